"""What is said about a repository's own configuration: statuses, one comment, and what the record keeps.

Prow falls back to the static jobs without a word (`pkg/plugins/trigger/trigger.go:366`).
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from prowless.domain import status as status_rules
from prowless.domain.actions import Comment, SetStatus, Withdraw
from prowless.domain.wording import MAX_LINE, MAX_LINES, fenced, shown

if TYPE_CHECKING:
    from collections.abc import Iterable

    from prowless.domain.config.jobs import RepositoryConfig
    from prowless.domain.decisions import Verdict
    from prowless.domain.specs import PullFacts
    from prowless.domain.view import InRepoConfig

NOT_READ = "the jobs of .prow.yaml and .prow/ are not listed: these files were not read"


def failure(own: InRepoConfig, repository: str, sha: str) -> SetStatus:
    """The status of a commit whose own configuration cannot be used: the first problem."""
    text = status_rules.truncate(shown(own.problems[0], MAX_LINE), status_rules.MAX_DESCRIPTION_BYTES)
    return SetStatus(
        repository=repository, sha=sha, context=status_rules.IN_REPO_CONTEXT, state="failure", description=text
    )


def comment(own: InRepoConfig, pull: PullFacts) -> Comment:
    """All problems of a pull's head: one comment for each head, edited when others are found in its merge."""
    body = (
        "The jobs of `.prow.yaml` or `.prow/` cannot be used, so only those of the central configuration run. "
        f"This is wrong in the merge of {pull.head_sha}:\n\n{fenced(own.problems)}"
    )
    return Comment(repository=pull.repository, number=pull.number, body=body, key=_key(pull), standing=True)


def withdrawal(pull: PullFacts) -> Withdraw:
    """What takes the comment on a pull's head away."""
    return Withdraw(repository=pull.repository, number=pull.number, key=_key(pull))


def _key(pull: PullFacts) -> str:
    return f"in-repo {pull.head_sha}"


def told(verdict: Verdict, config: RepositoryConfig, own: InRepoConfig | None) -> Verdict:
    """The verdict with what the record says about the repository's own files; `own` is None if nobody read them."""
    if not config.in_repo:
        return verdict
    if own is None:
        return replace(verdict, notes=_more(verdict.notes, [NOT_READ])) if verdict.decisions else verdict
    unknown = [f"the jobs of .prow.yaml and .prow/ are not known: {own.unknown}"] if own.unknown else []
    return replace(
        verdict,
        problems=_more(verdict.problems, _lines(own.problems)),
        notes=_more((note for note in verdict.notes if note != NOT_READ), [*_lines(unknown), *_lines(own.notes)]),
    )


def _lines(texts: Iterable[str]) -> list[str]:
    lines = [shown(text, MAX_LINE) for text in texts]
    more = len(lines) - MAX_LINES
    return [*lines[:MAX_LINES], f"and {more} more"] if more > 0 else lines


def _more(present: Iterable[str], added: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys([*present, *added]))
