"""Which pull requests a merge group holds. GitHub's event names only the group's commits and, in its ref, one pull."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from prowless.domain.errors import NotFoundError, PermanentError
from prowless.domain.specs import PullFacts

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from prowless.domain.events import MergeGroupEvent
    from prowless.ports.github import Commit, GitHub, PullRequest

_MERGED = re.compile(r"Merge pull request #([0-9]{1,9}) from ")
_SQUASHED = re.compile(r".*\(#([0-9]{1,9})\)")

MOST_PULLS = 100
"""GitHub's limit for the pulls of a group; each costs one call."""


def pulls(github: GitHub, event: MergeGroupEvent) -> list[PullFacts] | None:
    """The pulls of a group in their order, each with the head that was merged; None if the group's ref moved on.

    The pull that the ref names comes last and is always there. The others are told from the group's own commits as
    GitHub writes them for merges and squashes; commits that were rebased name no pull. What they say is taken only for
    open pulls on the same base, and for merges only with the pull's present head, since authors write messages too.
    """
    ref = event.head_ref.removeprefix("refs/")
    try:
        if github.ref(event.repository, ref) != event.head_sha:
            return None
    except NotFoundError:
        return None
    told = list(_told(_commits(github, event), event))
    if event.number and all(number != event.number for number, _ in told):
        told.insert(0, (event.number, ""))
    found: dict[int, PullFacts] = {}
    for number, merged in told[:MOST_PULLS]:
        pull = _pull(github, event.repository, number)
        if pull is None or number in found:
            continue
        certain = number == event.number
        likely = pull.state == "open" and pull.base_ref == event.branch and merged in {"", pull.head_sha}
        if certain or likely:
            found[number] = replace(pull_facts(pull), head_sha=merged or pull.head_sha)
    return [*reversed(found.values())]


def _commits(github: GitHub, event: MergeGroupEvent) -> dict[str, Commit]:
    try:
        found = github.commits(event.repository, event.base_sha, event.head_sha)
    except PermanentError:  # the base may be gone; what the ref names is left
        return {}
    return {commit.sha: commit for commit in found}


def _told(commits: Mapping[str, Commit], event: MergeGroupEvent) -> Iterator[tuple[int, str]]:
    """Numbers and merged heads that the group's own line of commits names, newest first; no head for a squash."""
    sha = event.head_sha
    while sha != event.base_sha and (commit := commits.get(sha)) is not None:
        title = commit.message.partition("\n")[0]
        if len(commit.parents) == 2 and (merge := _MERGED.match(title)):  # noqa: PLR2004  a merge of two
            yield int(merge[1]), commit.parents[1]
        elif len(commit.parents) == 1 and (squash := _SQUASHED.fullmatch(title)):
            yield int(squash[1]), ""
        sha = commit.parents[0] if commit.parents else ""


def _pull(github: GitHub, repository: str, number: int) -> PullRequest | None:
    try:
        return github.pull(repository, number)
    except NotFoundError:
        return None


def pull_facts(pull: PullRequest) -> PullFacts:
    """GitHub's pull request as rules see it."""
    return PullFacts(
        repository=pull.repository,
        number=pull.number,
        title=pull.title,
        author=pull.author,
        state=pull.state,
        draft=pull.draft,
        mergeable=pull.mergeable,
        head_sha=pull.head_sha,
        head_ref=pull.head_ref,
        base_ref=pull.base_ref,
        html_url=pull.html_url,
        labels=frozenset(pull.labels),
    )
