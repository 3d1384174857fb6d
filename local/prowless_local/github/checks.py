"""Commit statuses and check runs: posted, read, rerun."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from prowless_local.github.conversation import Conversation
from prowless_local.github.records import CheckRun, Status
from prowless_local.github.views import checks as views
from prowless_local.github.world import found, key

if TYPE_CHECKING:
    from collections.abc import Mapping

    from prowless_local.github.timestamps import Clock

STATUSES_PER_CONTEXT = 1000
"""GitHub's limit for one commit and context."""


class TooManyStatusesError(Exception):
    """The commit has as many statuses of the context as GitHub allows."""


class Checks(Conversation):
    """What CI says about commits."""

    def __init__(self, clock: Clock | None = None) -> None:
        super().__init__(clock)
        self._suites: dict[tuple[str, str, int], int] = {}

    def statuses(self, repository: str, sha: str) -> list[Status]:
        """All statuses ever posted on a commit, oldest first."""
        return list(self.status_table.get((key(repository), sha), ()))

    def effective_statuses(self, repository: str, sha: str) -> dict[str, Status]:
        """The newest status of each context, by context."""
        return {one.context: one for one in self.statuses(repository, sha)}

    def effective_status(self, repository: str, sha: str, context: str) -> Status | None:
        """The status in effect, or None."""
        return self.effective_statuses(repository, sha).get(context)

    def post_status(
        self,
        repository: str,
        sha: str,
        state: str,
        *,
        context: str = "default",
        description: str | None = None,
        target_url: str | None = None,
        creator: str,
    ) -> Status:
        """Put a status on a commit. Sends `status`.

        Raises:
            KeyError: The repository has no such commit.
            TooManyStatusesError: The limit of 1000 for the commit and context is reached.
        """
        with self.changing():
            target = self.repository(repository)
            head = self.git(repository).commit(sha)
            if head is None:
                raise KeyError(f"No commit found for SHA: {sha}")
            index = (key(repository), sha)
            known = self.status_table.get(index, ())
            if sum(1 for one in known if one.context == context) >= STATUSES_PER_CONTEXT:
                raise TooManyStatusesError(context)
            status = Status(
                id=next(self.ids),
                repository=target.full_name,
                sha=sha,
                context=context,
                state=state,
                description=description,
                target_url=target_url,
                creator=self.create_user(creator).login,
                at_ms=self.now_ms(),
            )
            self.status_table[index] = (*known, status)
            if self.is_heard("status", target):
                self.emit("status", target, views.status_event(self, target, status, head), sender=creator)
            self.report("status", "created", target.full_name, status, sha=sha)
            return status

    def check_runs(self, repository: str, sha: str) -> list[CheckRun]:
        """A commit's check runs, oldest first."""
        wanted = (key(repository), sha)
        runs = sorted(self.check_run_table.copy().items())
        return [one for _, one in runs if (key(one.repository), one.head_sha) == wanted]

    def check_run(self, check_run_id: int) -> CheckRun:
        """A check run.

        Raises:
            KeyError: There is no such check run.
        """
        return found(self.check_run_table, check_run_id, f"check run {check_run_id}")

    def create_check_run(
        self, repository: str, head_sha: str, name: str, *, app_id: int, fields: Mapping[str, Any]
    ) -> CheckRun:
        """Create a check run. Sends `check_run` created, and completed when it is.

        Raises:
            KeyError: The repository has no such commit.
        """
        with self.changing():
            target = self.repository(repository)
            if self.git(repository).commit(head_sha) is None:
                raise KeyError(f"No commit found for SHA: {head_sha}")
            run = CheckRun(
                id=next(self.ids),
                repository=target.full_name,
                head_sha=head_sha,
                name=name,
                app_id=app_id,
                status="queued",
                conclusion=None,
                started_ms=self.now_ms(),
                completed_ms=None,
            )
            run = self._with_end(replace(run, **fields))
            self._keep_check_run("created", run)
            if run.status == "completed":
                self._keep_check_run("completed", run)
            return run

    def update_check_run(self, check_run_id: int, fields: Mapping[str, Any]) -> CheckRun:
        """Change a check run; `annotations` are added to those it has. Sends `check_run` when it completes."""
        with self.changing():
            before = self.check_run(check_run_id)
            run = replace(before, **{**fields, "annotations": (*before.annotations, *fields.get("annotations", ()))})
            run = self._with_end(run)
            done = run.status == "completed" and before.status != "completed"
            self._keep_check_run("completed" if done else "updated", run, send=done)
            return run

    def rerequest_check_run(self, check_run_id: int, *, by: str) -> None:
        """Press *Re-run*. Sends `check_run` rerequested; the run itself stays as it is."""
        with self.changing():
            self._keep_check_run("rerequested", self.check_run(check_run_id), sender=by)

    def request_action(self, check_run_id: int, identifier: str, *, by: str) -> None:
        """Press one of the buttons that the App put on the run. Sends `check_run` requested_action.

        Raises:
            ValueError: The run has no such action.
        """
        with self.changing():
            run = self.check_run(check_run_id)
            if identifier not in [one.get("identifier") for one in run.actions]:
                raise ValueError(f"check run {check_run_id} has no action {identifier}")
            self._keep_check_run("requested_action", run, sender=by, requested_action={"identifier": identifier})

    def suite_id(self, run: CheckRun) -> int:
        """The id of the suite: one for each repository, commit and App."""
        index = (key(run.repository), run.head_sha, run.app_id)
        with self.changing():
            if index not in self._suites:
                self._suites[index] = next(self.ids)
            return self._suites[index]

    def _with_end(self, run: CheckRun) -> CheckRun:
        if run.status == "completed":
            return run if run.completed_ms is not None else replace(run, completed_ms=self.now_ms())
        return replace(run, completed_ms=None, conclusion=None)

    def _keep_check_run(self, action: str, run: CheckRun, *, sender: str = "", send: bool = True, **extra: Any) -> None:
        self.check_run_table[run.id] = run
        repository = self.repository(run.repository)
        if send and self.is_heard("check_run", repository):
            payload = {"action": action, "check_run": views.check_run_event(self, run), **extra}
            self.emit("check_run", repository, payload, sender=sender or self.apps[run.app_id].bot)
        self.report("check_run", action, run.repository, run, sha=run.head_sha)
