"""The main job: a pull request goes from webhook to commit status, and every result is checked."""

from __future__ import annotations

import statistics
import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from prowless.domain.status import REPORT_MARKER
from prowless_local.follow import commented, plain
from prowless_local.places import EXAMPLE
from prowless_local.sample import BROKEN, REPOSITORY, repository_files
from prowless_local.screen import Line, Screen
from prowless_local.stack import Options, Stack

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from prowless.domain.prowjob import ProwJob
    from prowless_local.github import Change, FakeGitHub

DEADLINE_SECONDS = 60.0
"""How long one step may take before it counts as failed."""

_SLOW = "\n\nclass SlowTest(unittest.TestCase):\n    def test_slow(self):\n        import time; time.sleep(30)\n"


@dataclass
class Check:
    """One expectation and whether it held."""

    what: str
    held: bool
    found: str


@dataclass
class Report:
    """What the demo found: its checks, and latencies in seconds."""

    checks: list[Check] = field(default_factory=list)
    pending: list[float] = field(default_factory=list)
    final: list[float] = field(default_factory=list)
    seconds: float = 0.0

    @property
    def passed(self) -> bool:
        """Whether every expectation held."""
        return all(check.held for check in self.checks)

    def to_dict(self) -> dict[str, Any]:
        """As `--format json` prints it."""
        return {
            "passed": self.passed,
            "seconds": round(self.seconds, 1),
            "checks": [check.__dict__ for check in self.checks],
            "pending_seconds": [round(value, 2) for value in self.pending],
            "final_seconds": [round(value, 2) for value in self.final],
        }


class Demo:
    """Drives the fake GitHub as people would, and watches the statuses."""

    def __init__(self, stack: Stack, screen: Screen, started: float) -> None:
        """`started` is the monotonic time at which the user began to wait."""
        if stack.github is None:
            raise ValueError("the demo needs the embedded GitHub")
        self._stack = stack
        self._github: FakeGitHub = stack.github
        self._screen = screen
        self._started = started
        self._changed = threading.Condition()
        self._labels: dict[str, str] = {}
        self.report = Report()

    def elapsed(self) -> float:
        """Seconds since the user began to wait."""
        return time.monotonic() - self._started

    def run(self) -> Report:
        """All steps; what held and what did not."""
        self._github.create_org("acme", members=["ada"])
        files = repository_files()
        self._github.create_repository(REPOSITORY, files)
        self._github.subscribe(self._on_change)
        number = self._opened()
        self._broken(number, files)
        self._fixed(number, files)
        self._merged(number)
        self._periodic()
        self._measure()
        self.report.seconds = self.elapsed()
        return self.report

    def _opened(self) -> int:
        self._screen.step("ada opens a pull request")
        readme = {"README.md": "# calculator\n\nNow with a better README.\n"}
        number = self._github.open_pull(REPOSITORY, "readme", readme, "Improve the README", "ada")
        head = self._label(self._head(number), f"#{number} opened")
        self._expect("the Argo presubmit goes green", head, "unit-tests", "success")
        self._expect("the Tekton presubmit goes green", head, "pipeline-tests", "success")
        return number

    def _broken(self, number: int, files: dict[str, str]) -> None:
        self._screen.step("ada pushes a commit with a slow test, and a broken one while it is being tested")
        slow = {"test_calculator.py": files["test_calculator.py"].replace("\n\nif __name__", f"{_SLOW}\n\nif __name__")}
        older = self._label(self._github.push_to_pull(REPOSITORY, number, slow, "A slow test"), f"#{number} slow")
        self._wait("the older run starts", lambda: self._running(older, "unit-tests"))
        broken = {"calculator.py": BROKEN, "test_calculator.py": files["test_calculator.py"]}
        sha = self._label(self._github.push_to_pull(REPOSITORY, number, broken, "Simplify"), f"#{number} broken")
        self._expect("the older run is stopped", older, "unit-tests", "failure", "Aborted")
        self._expect("the Argo presubmit goes red", sha, "unit-tests", "failure")
        self._expect("the Tekton presubmit goes red", sha, "pipeline-tests", "failure")
        self._wait("a comment says how to retest", lambda: self._failure_comment(number))

    def _fixed(self, number: int, files: dict[str, str]) -> None:
        self._screen.step("ada pushes the fix")
        fix = {"calculator.py": files["calculator.py"]}
        sha = self._label(self._github.push_to_pull(REPOSITORY, number, fix, "Fix add"), f"#{number} fixed")
        self._expect("the Argo presubmit goes green again", sha, "unit-tests", "success")
        self._expect("the Tekton presubmit goes green again", sha, "pipeline-tests", "success")
        self._wait("the failure comment goes away", lambda: not self._failure_comment(number))
        self._screen.step("ada retests by comment, and asks for the manual job")
        self._github.comment(REPOSITORY, number, "/test unit-tests\n/test flow", "ada")
        self._wait("the retest is another run", lambda: len(self._runs(sha, "unit-tests")) == 2)  # noqa: PLR2004  first and retest
        self._expect("the manual Argo job runs by comment", sha, "flow", "success")
        self._wait("the retest goes green", lambda: self._settled(sha, "unit-tests", "success"))

    def _merged(self, number: int) -> None:
        self._screen.step("ada merges; the postsubmit runs on the cluster `release`")
        merge = self._label(self._github.merge(REPOSITORY, number, by="ada"), "main merged")
        self._expect("the postsubmit on the second cluster goes green", merge, "publish", "success")

    def _periodic(self) -> None:
        self._screen.step("the schedule ticks; the periodic comes due")
        self._stack.aws.tick("periodics")
        self._wait("the periodic runs and succeeds", self._nightly_succeeded)

    # ---- expectations --------------------------------------------------------------------------------------------

    def _expect(self, what: str, sha: str, context: str, state: str, text: str = "") -> None:
        """Wait for a status that is not pending, and note whether it is the expected one."""

        def ended() -> bool:
            found = self._github.effective_status(REPOSITORY, sha, context)
            return found is not None and found.state != "pending"

        self._await(ended)
        found = self._github.effective_status(REPOSITORY, sha, context)
        held = found is not None and found.state == state and text in (found.description or "")
        shown = f"{found.state}: {plain(found.description)}" if found else "no status"
        self.report.checks.append(Check(what, held, shown))
        if not held:
            self._screen.step(f"NOT AS EXPECTED: {what}: {shown}")

    def _wait(self, what: str, condition: Callable[[], object]) -> None:
        held = self._await(condition)
        self.report.checks.append(Check(what, held, "yes" if held else f"not within {DEADLINE_SECONDS:.0f} s"))
        if not held:
            self._screen.step(f"NOT AS EXPECTED: {what}")

    def _await(self, condition: Callable[[], object]) -> bool:
        """Look again at each change of GitHub's, and now and then for what GitHub does not show."""
        until = time.monotonic() + DEADLINE_SECONDS
        while not condition():
            left = until - time.monotonic()
            if left <= 0:
                return False
            with self._changed:
                self._changed.wait(min(left, 0.2))
        return True

    # ---- what there is -------------------------------------------------------------------------------------------

    def _head(self, number: int) -> str:
        return str(self._github.pull(REPOSITORY, number).head_sha)

    def _label(self, sha: str, where: str) -> str:
        self._labels[sha] = where
        return sha

    def _runs(self, sha: str, context: str) -> list[ProwJob]:
        runs = self._stack.prowjobs.of_pull(REPOSITORY, 1)
        return [run for run in runs if run.report_sha == sha and run.context == context]

    def _running(self, sha: str, context: str) -> bool:
        return any(run.object for run in self._runs(sha, context))

    def _settled(self, sha: str, context: str, state: str) -> bool:
        return all(run.complete and run.state == state for run in self._runs(sha, context))

    def _failure_comment(self, number: int) -> bool:
        return any(
            REPORT_MARKER in comment.body and "`/test unit-tests`" in comment.body
            for comment in self._github.comments(REPOSITORY, number)
        )

    def _nightly_succeeded(self) -> bool:
        runs = self._stack.periodic_runs("nightly")
        for run in runs:
            self._screen.show(Line("periodic", "", run.job, run.state, plain(run.description), self.elapsed()))
        return any(run.complete and run.state == "success" for run in runs)

    def _on_change(self, change: Change) -> None:
        if change.kind == "status":
            status = change.record
            where = self._labels.get(status.sha, "")
            line = Line(
                where or f"{status.sha[:7]}", status.sha[:7], status.context, status.state, plain(status.description),
                self.elapsed(),
            )  # fmt: skip
            self._screen.show(line)
        elif change.kind == "comment" and change.action == "created":
            self._screen.step(commented(change))
        with self._changed:
            self._changed.notify_all()

    def _measure(self) -> None:
        """Latencies, from the times that GitHub and the clusters noted; the clusters' have whole seconds."""
        sent = {delivery.guid: delivery.delivered_ms for delivery in self._github.deliveries()}
        for run in self._stack.prowjobs.of_pull(REPOSITORY, 1):
            posted = [s for s in self._github.statuses(REPOSITORY, run.report_sha) if s.context == run.context]
            pending = [s.at_ms for s in posted if s.state == "pending" and s.at_ms >= run.created_at]
            if pending and run.delivery in sent:
                self.report.pending.append((min(pending) - sent[run.delivery]) / 1000)
            ended = self._stack.ended_at(run)
            final = [s.at_ms for s in posted if s.state != "pending" and s.at_ms >= run.created_at]
            if ended and final and not run.stop_reason:
                self.report.final.append((min(final) - ended) / 1000)


def summary(report: Report) -> list[str]:
    """The lines that end the demo."""
    lines = [
        f"{'✓' if check.held else '✗'} {check.what}" + ("" if check.held else f" — {check.found}")
        for check in report.checks
    ]
    held = sum(check.held for check in report.checks)
    lines.append(f"{held} of {len(report.checks)} as expected, in {report.seconds:.1f} s")
    if report.pending:
        median, most = statistics.median(report.pending), max(report.pending)
        lines.append(f"pending status: {median:.2f} s after the webhook was sent (median; at most {most:.2f} s)")
    if report.final:
        median, most = statistics.median(report.final), max(report.final)
        lines.append(
            f"final status: {median:.1f} s after the job's end (median; at most {most:.1f} s, first poll interval 5 s)"
        )
    return lines


def options(config: Path | None = None) -> Options:
    """The stack that the demo runs on."""
    return Options(config=config or EXAMPLE / "config", schedules=False)
