"""Our `/explain [JOB…]`: what would start by itself on the present head, and why. It starts nothing."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from prowless.domain import approvals
from prowless.domain.actions import Comment
from prowless.domain.plugins.request import given, unique
from prowless.domain.pull_rules import PullRules
from prowless.domain.wording import counted, listed, markdown, shown

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from prowless.domain.decisions import Decision
    from prowless.domain.plugins.request import Request

_EXPLAIN = re.compile(r"/explain(?:[ \t]([^\r]*))?\r?")
_HEAD = "| Job | Now | Rule | Why | Status on the head |\n| --- | --- | --- | --- | --- |\n"

MOST_OPEN_ROWS = 15
"""A longer table is folded."""

MAX_ROWS_TEXT = 62_000
"""Characters of the table: GitHub takes comments of 65,536."""

_NAME = 120
_WHY = 600


class Explain:
    """One answer for each pull, edited when it is asked for again; it reads and says, so the pull's author may ask."""

    name = "/explain"
    plugin = "trigger"

    def read(self, body: str, text: str) -> tuple[str, ...] | None:
        """The names or contexts of jobs; none if one line names none, which means all of them."""
        del body
        lines = given(_EXPLAIN, text)
        if not lines:
            return None
        names = [(line or "").replace(",", " ").split() for line in lines]
        return unique(name for line in names for name in line) if all(names) else ()

    def follow(self, wanted: tuple[str, ...], request: Request) -> str:
        """Decide as an event of the pull would, with the rules of such events, and keep their words only."""
        pull, user, view = request.pull, request.event.author, request.view
        asks_for_own = user.lower() == pull.author.lower()
        if not (asks_for_own or view.trusted(user) or approvals.trusted_pull(pull, request.config.trust, view)):
            return f"/explain: neither {shown(user)} nor the pull request is trusted"
        rules = PullRules(request.event.cause(), request.config, view)
        verdict = rules.told(rules.if_trusted(renew=False))
        contexts = {job.name: job.context for job in rules.config.presubmits}
        decisions = [one for one in verdict.decisions if not wanted or {one.job, contexts.get(one.job)} & set(wanted)]
        unknown = [name for name in wanted if name not in contexts and name not in contexts.values()]
        asked = (
            f"@{user} asked [here]({request.event.html_url}) what would start by itself on {view.pull().head_sha} now"
        )
        parts = [
            f"{asked}: {markdown(verdict.summary, _WHY)}. Nothing was started.",
            _table(decisions, {name: _status(request, context) for name, context in contexts.items()}),
        ]
        if unknown:
            parts.append(f"There is no presubmit {markdown(listed(unknown), _WHY)}.")
        parts += _about_own_files(rules, verdict.problems)
        said = Comment(
            repository=pull.repository,
            number=pull.number,
            body="\n\n".join(part for part in parts if part),
            key=f"explain {pull.repository}#{pull.number}",
            standing=True,
        )
        request.actions.append(said)
        return f"/explain: {listed(wanted) if wanted else verdict.summary}"


def _about_own_files(rules: PullRules, problems: Collection[str]) -> list[str]:
    if problems:
        return [f"The repository's own configuration cannot be used: {counted(len(problems), 'problem')}."]
    if rules.config.in_repo and rules.own is None:
        return ["The jobs of the repository's own configuration are not known before the head is trusted."]
    return []


def _status(request: Request, context: str) -> str:
    status = request.statuses().get(context)
    if status is None:
        return "none"
    text = status.description.partition(" BaseSHA:")[0].rstrip()
    return f"{status.state}: {text}" if text else status.state


def _table(decisions: Sequence[Decision], statuses: dict[str, str]) -> str:
    """The rows that fit, folded if they are many."""
    if not decisions:
        return ""
    text, left = _HEAD, len(decisions)
    for one in decisions:
        cells = (
            f"<code>{markdown(one.job, _NAME)}</code>",
            one.verdict.value,
            markdown(one.rule, _NAME),
            markdown(one.reason, _WHY),
            markdown(statuses.get(one.job, "none"), 2 * _NAME),
        )
        row = f"| {' | '.join(cells)} |\n"
        if len(text) + len(row) > MAX_ROWS_TEXT:
            break
        text += row
        left -= 1
    rest = f"\n{counted(left, 'further job')} did not fit: name them, as `/explain JOB`." if left else ""
    if len(decisions) <= MOST_OPEN_ROWS:
        return text + rest
    return f"<details><summary>{len(decisions)} jobs</summary>\n\n{text}\n</details>{rest}"
