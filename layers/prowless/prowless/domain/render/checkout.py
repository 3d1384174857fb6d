"""The script that checks out a run's repositories, with clonerefs' commands (`pkg/pod-utils/clone/clone.go:227-388`).

One POSIX shell script; every value is quoted. It holds no `$(` and no `{{`, which Kubernetes, Argo and Tekton would
read. Repositories are checked out one after the other; private ones need credentials that later come as a Secret.
"""

from __future__ import annotations

import posixpath
from shlex import quote
from typing import TYPE_CHECKING

from prowless.domain.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from prowless.domain.refs import Pull, Refs

IMAGE = "docker.io/alpine/git:v2.49.1"
"""Any image with git and a POSIX shell would do."""

CODE = "/home/prow/go"
LOGS = "/logs"
ARTIFACTS = "/logs/artifacts"

PAUSES = (1, 2, 5, 10)
"""Seconds between the tries of a fetch."""

_USER_NAME = "ci-robot"
_USER_EMAIL = "ci-robot@k8s.io"


def clone_uri(refs: Refs) -> str:
    """Where the repository is fetched from."""
    return refs.clone_uri or (
        f"{refs.repo_link}.git" if refs.repo_link else f"https://github.com/{refs.repository}.git"
    )


def path(refs: Refs) -> str:
    """Where the repository is checked out (`clone.go:166`).

    Raises:
        ConfigError: the path would lie outside the source folder.
    """
    source = f"{CODE}/src"
    relative = refs.path_alias or refs.repo_link.split("://")[-1] or f"github.com/{refs.repository}"
    full = posixpath.normpath(f"{source}/{relative}")
    if not full.startswith(f"{source}/"):
        raise ConfigError([f"refs of {refs.repository}: path_alias {refs.path_alias!r} leaves {source}"])
    return full


def working_directory(repositories: Sequence[Refs]) -> str:
    """The folder containers start in: the first repository with `workdir`, else the first (`podspec.go:889`)."""
    return path(next((refs for refs in repositories if refs.workdir), repositories[0]))


def script(repositories: Sequence[Refs], *, pauses: Sequence[int] = PAUSES) -> str:
    """The script; it ends with git's code at the first command that fails.

    Raises:
        ConfigError: a ref or URI begins with a dash, so git would take it for an option.
    """
    head = [
        "set -eu",
        f"mkdir -p {ARTIFACTS}",
        f"chmod 0777 {ARTIFACTS}",  # containers may run as another user
    ]
    if not repositories:
        return "\n".join(head) + "\n"
    waits = " ".join(str(pause) for pause in pauses)
    head += [
        "export GIT_TERMINAL_PROMPT=0 GIT_MERGE_AUTOEDIT=no",
        'run() { echo "+ $*"; "$@"; }',
        "fetch() {",
        '  echo "+ git fetch $*"',
        f"  for pause in {waits}; do" if waits else "  for pause in; do",
        '    if git fetch "$@"; then return 0; fi',
        '    echo "git fetch failed, next try in $pause s"; sleep "$pause"',
        "  done",
        '  git fetch "$@"',
        "}",
    ]
    return "\n".join([*head, *(line for refs in repositories for line in _repository(refs))]) + "\n"


def _repository(refs: Refs) -> list[str]:
    uri = _value(refs, "clone_uri", clone_uri(refs))
    folder = quote(path(refs))
    base = _value(refs, "base_ref", refs.base_ref)
    depth = f"--depth {int(refs.clone_depth)} " if refs.clone_depth > 0 else ""
    # The head of a merge group stands on its base and holds its pulls.
    pulls = () if refs.merged_sha else refs.pulls
    commit = refs.merged_sha or refs.base_sha
    target = _value(refs, "merged_sha" if refs.merged_sha else "base_sha", commit) if commit else "FETCH_HEAD"
    lines = [
        f"mkdir -p {folder}",
        f"cd {folder}",
        "run git init",
        f"run git config user.name {_USER_NAME}",
        f"run git config user.email {_USER_EMAIL}",
    ]
    if not refs.skip_fetch_head:
        lines.append(f"fetch {depth}{uri} --tags --prune")
    lines += [
        f"fetch {depth}{uri} {target if commit else base}",
        # A branch that is checked out cannot be moved, hence the commit first.
        f"run git checkout {target}",
        f"run git branch --force {base} {target}",
        f"run git checkout {base}",
    ]
    if pulls:
        lines.append("stamp=`git show -s --format=format:%ct HEAD`")
    for pull in pulls:
        lines += _merge(refs, pull, uri)
    if not refs.skip_submodules:
        lines.append("run git submodule update --init --recursive")
    return [*lines, 'echo "HEAD is now at "`git rev-parse HEAD`']


def _merge(refs: Refs, pull: Pull, uri: str) -> list[str]:
    wanted = _value(refs, "pulls.ref", pull.ref or pull.sha or f"pull/{pull.number}/head")
    merged = _value(refs, "pulls.sha", pull.sha) if pull.sha else "FETCH_HEAD"
    return [
        f"fetch {uri} {wanted}",
        # The base's time plus one second a merge: the same inputs always give the same commits.
        "stamp=`expr $stamp + 1`",
        'export GIT_AUTHOR_DATE="$stamp +0000" GIT_COMMITTER_DATE="$stamp +0000"',
        f"run git merge --no-ff {merged}",
        "unset GIT_AUTHOR_DATE GIT_COMMITTER_DATE",
    ]


def _value(refs: Refs, field: str, value: str) -> str:
    if value.startswith("-") or not value:
        problem = "is empty" if not value else f"may not begin with a dash: {value!r}"
        raise ConfigError([f"refs of {refs.repository}: {field} {problem}"])
    return quote(value)
