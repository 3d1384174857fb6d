"""The `prowless/config` status of pull requests that change the central configuration. Nothing is published."""

from __future__ import annotations

import json
import logging
from typing import TYPE_CHECKING, Any

from prowless.domain.config import snapshot as snapshots
from prowless.domain.config.compile import compile_config
from prowless.domain.config.findings import WARNING, Problems
from prowless.domain.config_checks import ConfigReport, new_warnings
from prowless.domain.errors import ConfigError, PermanentError, RetryableError
from prowless.domain.status import CONFIG_CONTEXT, SETTLED
from prowless.domain.wording import marked, marker, shown
from prowless.ports.github import Status
from prowless.usecases.config_sources import heads
from prowless.usecases.facts import MOST_FILES, await_test_merge

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from prowless.ports.github import Comment, GitHub, PullRequest
    from prowless.ports.stores import Objects
    from prowless.usecases.config_reading import ConfigReader
    from prowless.usecases.config_sources import ConfigRepository

log = logging.getLogger(__name__)


class CheckPull:
    """Compiles the sources with a pull request's test merge in the place of its base, and tells the result on GitHub.

    Compiling reads data within limits, so it is done for everybody's pull requests. Nothing of theirs runs but the
    templates of Slack reports, on an empty ProwJob and within `domain.config.slack.TRIAL`.
    """

    def __init__(
        self,
        *,
        repositories: Sequence[ConfigRepository],
        github: GitHub,
        objects: Objects,
        reader: ConfigReader,
        pause: Callable[[float], None],
    ) -> None:
        """`objects` is only read, for the warnings of the present snapshot; `pause` waits for seconds."""
        self._repositories = repositories
        self._github = github
        self._objects = objects
        self._reader = reader
        self._pause = pause

    def __call__(self, repository: str, number: int) -> dict[str, Any]:
        """What was told: `{"checked": True, "state": ..., "errors": n}`, or `{"checked": False, "reason": ...}`.

        The pull request is judged as it is now: a late or repeated message says nothing about an older head.

        Raises:
            RetryableError: GitHub or S3 failed, or the test merge is not computed yet; calling again may help.
            PermanentError: GitHub refused.
        """
        of_repository = [source for source in self._repositories if source.repository.lower() == repository.lower()]
        if not of_repository:
            return _unchecked("no source is changed")
        pull = self._github.pull(repository, number)
        if pull.state != "open":
            return _unchecked(f"the pull request is {shown(pull.state)}")
        changed = [source for source in of_repository if source.ref == pull.base_ref]
        if not self._touched(pull, changed):
            self._settle(pull)
            return _unchecked("no source is changed")
        pull, merge = await_test_merge(self._github, pull, self._pause)
        if merge is None and pull.mergeable is False:
            self._set_status(pull, "error", f"Cannot be checked: the change conflicts with {shown(pull.base_ref)}", "")
            return _unchecked("the change conflicts with its base")
        if merge is None:
            raise RetryableError(f"GitHub has not computed the merge of {repository}#{number} at {pull.head_sha}")
        report = self._report(repository, {source.origin: merge.sha for source in changed})
        if self._github.pull(repository, number).head_sha != pull.head_sha:
            return _unchecked("the head moved, and has a message of its own")
        self._set_status(pull, report.state, report.description, self._commented(pull, report))
        return {"checked": True, "state": report.state, "errors": len(report.errors)}

    def _touched(self, pull: PullRequest, sources: Sequence[ConfigRepository]) -> bool:
        if not sources:
            return False
        files = self._github.pull_files(pull.repository, pull.number)
        names = {name for file in files for name in (file.filename, file.previous_filename)}
        return len(files) >= MOST_FILES or any(source.reads(name) for source in sources for name in names)

    def _report(self, repository: str, merges: dict[str, str]) -> ConfigReport:
        others = [source for source in self._repositories if source.origin not in merges]
        problems = Problems()
        try:
            reading = self._reader.read(self._repositories, heads(others, self._github) | merges)
            for problem in reading.problems:
                problems.error("", problem)
            compiled = compile_config(reading.sources, problems)
        except ConfigError as exc:
            return ConfigReport(errors=tuple(_own(repository, line) for line in exc.problems))
        warnings = [str(finding) for finding in problems.findings() if finding.level == WARNING]
        shards = compiled.repositories
        return ConfigReport(
            new_warnings=tuple(_own(repository, line) for line in new_warnings(self._known_warnings(), warnings)),
            warnings=len(warnings),
            jobs=sum(len(one.presubmits) + len(one.postsubmits) for one in shards) + len(compiled.periodics),
            repositories=len(shards),
        )

    def _known_warnings(self) -> Sequence[str]:
        data = self._objects.get(snapshots.WARNINGS)
        return json.loads(data)["warnings"] if data else ()

    def _set_status(self, pull: PullRequest, state: str, description: str, url: str) -> None:
        status = Status(context=CONFIG_CONTEXT, state=state, description=description, target_url=url)
        present = self._github.statuses(pull.repository, pull.head_sha).get(CONFIG_CONTEXT)
        if present != status:
            self._github.create_status(pull.repository, pull.head_sha, status)

    def _commented(self, pull: PullRequest, report: ConfigReport) -> str:
        """The comment's address; none if GitHub refuses it, as in a locked conversation: the status still says it."""
        try:
            return self._comment(pull, report)
        except PermanentError as error:
            log.warning("comment refused: %s#%d: %s", pull.repository, pull.number, error)
            return ""

    def _comment(self, pull: PullRequest, report: ConfigReport) -> str:
        """Leave one comment that says it all, or none; its address.

        What is new about the same head, or is settled, is edited in; a newer head gets a comment that people are told
        of, and the old one goes.
        """
        mine = self._mine(pull)
        text = report.comment(pull.head_sha)
        if not text and not mine:
            return ""
        body = f"{text or report.settled(pull.head_sha)}\n{marker(_key(pull))}"
        same = [one for one in mine if not text or pull.head_sha in one.body]
        if not same:
            kept = self._github.create_comment(pull.repository, pull.number, body)
        else:
            kept = same[-1].id
            if same[-1].body != body:
                self._github.update_comment(pull.repository, kept, body)
        for other in mine:
            if other.id != kept:
                self._github.delete_comment(pull.repository, other.id)
        return f"{pull.html_url}#issuecomment-{kept}" if text else ""

    def _settle(self, pull: PullRequest) -> None:
        """Take back what was said of this head, or of an earlier one: it changes no source any more."""
        present = self._github.statuses(pull.repository, pull.head_sha).get(CONFIG_CONTEXT)
        if present and present.state != "success":
            self._set_status(pull, "success", SETTLED, "")
        for comment in self._mine(pull):
            self._github.delete_comment(pull.repository, comment.id)

    def _mine(self, pull: PullRequest) -> list[Comment]:
        login, end = self._github.login(), marker(_key(pull))
        there = self._github.comments(pull.repository, pull.number)
        return [comment for comment in there if comment.author == login and marked(comment.body, end)]


def _key(pull: PullRequest) -> str:
    return f"config {pull.repository}#{pull.number}"


def _own(repository: str, line: str) -> str:
    """A problem's line with the path that it has in the repository which it is told in."""
    return line.removeprefix(f"{repository}/")


def _unchecked(reason: str) -> dict[str, Any]:
    return {"checked": False, "reason": reason}
