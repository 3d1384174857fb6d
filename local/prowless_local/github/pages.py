"""Small HTML pages, so that a person can look at the fake with a browser."""

from __future__ import annotations

import re
from html import escape
from http import HTTPStatus
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from prowless_local.github.http_messages import Response
from prowless_local.github.timestamps import iso8601
from prowless_local.github.world import key

if TYPE_CHECKING:
    from prowless_local.github.checks import Checks
    from prowless_local.github.githistory import Commit
    from prowless_local.github.records import CheckRun, Comment, Pull, Repository, Status

PULL = re.compile(r"/(?P<owner>[^/]+)/(?P<name>[^/]+)/pull/(?P<number>\d+)/?\Z")
COMMIT = re.compile(r"/(?P<owner>[^/]+)/(?P<name>[^/]+)/commit/(?P<sha>[0-9a-f]{40})/?\Z")
REPOSITORY = re.compile(r"/(?P<owner>[^/]+)/(?P<name>[^/]+?)/?\Z")

STYLE = """
:root { color-scheme: light dark; --line: #8884; --good: #1a7f37; --bad: #cf222e; --wait: #9a6700; --calm: #6e7781; }
body { font: 15px/1.5 system-ui, sans-serif; max-width: 56rem; margin: 2rem auto; padding: 0 1rem; }
a { color: #2f81f7; text-decoration: none } a:hover { text-decoration: underline }
table { border-collapse: collapse; width: 100% } td, th { padding: .35rem .5rem; text-align: left; vertical-align: top }
tr + tr { border-top: 1px solid var(--line) } code, pre { font: 13px ui-monospace, monospace }
pre { white-space: pre-wrap; overflow-wrap: anywhere; margin: 0 } small { color: var(--calm) }
article { border: 1px solid var(--line); border-radius: 6px; margin: 1rem 0; padding: .6rem .9rem }
.state { display: inline-block; border-radius: 1rem; padding: 0 .6rem; color: #fff; background: var(--calm) }
.success, .open { background: var(--good) } .failure, .error, .closed { background: var(--bad) }
.pending, .in_progress, .queued { background: var(--wait) } .merged { background: #8250df }
"""
SECURITY = {
    "Content-Type": "text/html; charset=utf-8",
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'",
    "X-Content-Type-Options": "nosniff",
}


def answer(world: Checks, path: str) -> Response:
    """The page at a path: `/` lists everything, `/<owner>/<repository>[/pull/<n>|/commit/<sha>]` shows one."""
    path = unquote(path)
    if path == "/":
        repositories = [one for _, one in sorted(world.repositories.copy().items())]
        body = "".join(_repository(world, one) for one in repositories) or "<p>No repositories yet.</p>"
        return _page("Fake GitHub", f"<h1>Fake GitHub</h1>{body}")
    match = PULL.match(path) or COMMIT.match(path) or REPOSITORY.match(path)
    known = world.repositories.get(key(f"{match['owner']}/{match['name']}")) if match else None
    if match is None or known is None:
        return _missing()
    words = match.groupdict()
    if "number" in words:
        pull = world.pull_table.get((key(known.full_name), int(words["number"])))
        return _page(f"{pull.title} #{pull.number}", _pull(world, pull)) if pull else _missing()
    if "sha" in words:
        commit = world.git(known.full_name).commit(words["sha"])
        return _page(commit.sha[:12], _commit(world, known, commit)) if commit else _missing()
    return _page(known.full_name, f"<p><a href='/'>Fake GitHub</a></p>{_repository(world, known)}")


def _missing() -> Response:
    return _page("Not found", "<h1>Not found</h1><p><a href='/'>Fake GitHub</a></p>", HTTPStatus.NOT_FOUND)


def _page(title: str, body: str, status: HTTPStatus = HTTPStatus.OK) -> Response:
    head = f"<meta charset=utf-8><meta name=viewport content='width=device-width'><title>{escape(title)}</title>"
    html = f"<!doctype html><html lang=en>{head}<style>{STYLE}</style><body>{body}</body></html>"
    return Response(status=status, headers=SECURITY, body=html.encode())


def _repository(world: Checks, one: Repository) -> str:
    rows = "".join(_pull_row(world, pull) for pull in reversed(world.pulls(one.full_name)))
    name = escape(one.full_name)
    private = " <small>private</small>" if one.private else ""
    pulls = f"<table>{rows}</table>" if rows else "<p><small>No pull requests.</small></p>"
    clone = f"<p><small>git clone {escape(world.url)}/{name}.git</small></p>"
    head = world.git(one.full_name).ref(f"refs/heads/{one.default_branch}")
    branch = _branch_line(world, one, head) if head else ""
    return f"<h2><a href='/{name}'>{name}</a>{private}</h2>{clone}{branch}{pulls}"


def _branch_line(world: Checks, one: Repository, head: str) -> str:
    marks = " ".join(
        _state(each.state, each.context) for each in world.effective_statuses(one.full_name, head).values()
    )
    link = f"<a href='/{escape(one.full_name)}/commit/{head}'><code>{head[:12]}</code></a>"
    return f"<p>{escape(one.default_branch)} {link} {marks}</p>"


def _pull_row(world: Checks, pull: Pull) -> str:
    statuses = world.effective_statuses(pull.repository, pull.head_sha).values()
    marks = " ".join(_state(one.state, one.context) for one in statuses)
    link = f"<a href='/{escape(pull.repository)}/pull/{pull.number}'>{escape(pull.title)}</a>"
    about = f"<small>#{pull.number} by {escape(pull.author)}</small>"
    return f"<tr><td>{_pull_state(pull)}</td><td>{link} {about}</td><td>{marks}</td></tr>"


def _commit(world: Checks, repository: Repository, one: Commit) -> str:
    name = escape(repository.full_name)
    return (
        f"<p><a href='/{name}'>{name}</a></p><h1><code>{one.sha[:12]}</code></h1>"
        f"<article><b>{escape(one.author.name)}</b><pre>{escape(one.message)}</pre></article>"
        f"{_checks(world, repository.full_name, one.sha)}"
    )


def _checks(world: Checks, repository: str, sha: str) -> str:
    rows = "".join(_status_row(one) for one in world.effective_statuses(repository, sha).values())
    rows += "".join(_check_row(one) for one in world.check_runs(repository, sha))
    return f"<h2>Checks</h2>{f'<table>{rows}</table>' if rows else '<p><small>None.</small></p>'}"


def _pull(world: Checks, pull: Pull) -> str:
    labels = " ".join(_state("label", name) for name in pull.labels)
    sides = f"{escape(pull.head_repository)}:{escape(pull.head_ref)} → {escape(pull.base_ref)}"
    conflict = " · <b>conflicts with the base</b>" if pull.mergeable is False and pull.state == "open" else ""
    comments = "".join(_comment(one) for one in world.comments(pull.repository, pull.number))
    return (
        f"<p><a href='/{escape(pull.repository)}'>{escape(pull.repository)}</a></p>"
        f"<h1>{escape(pull.title)} <small>#{pull.number}</small></h1>"
        f"<p>{_pull_state(pull)} {escape(pull.author)} · <code>{sides}</code> · "
        f"<code>{pull.head_sha[:12]}</code>{conflict} {labels}</p>"
        f"{f'<article><pre>{escape(pull.body)}</pre></article>' if pull.body else ''}"
        f"{_checks(world, pull.repository, pull.head_sha)}"
        f"<h2>Conversation</h2>{comments or '<p><small>No comments.</small></p>'}"
    )


def _status_row(one: Status) -> str:
    name = _link(one.target_url, one.context)
    return f"<tr><td>{_state(one.state, one.state)}</td><td>{name}</td><td>{escape(one.description or '')}</td></tr>"


def _check_row(one: CheckRun) -> str:
    state = one.conclusion or one.status
    title = escape(str(one.output.get("title") or ""))
    return f"<tr><td>{_state(state, state)}</td><td>{_link(one.details_url, one.name)}</td><td>{title}</td></tr>"


def _comment(one: Comment) -> str:
    head = f"<b>{escape(one.author)}</b> <small>{iso8601(one.updated_ms)}</small>"
    return f"<article>{head}<pre>{escape(one.body)}</pre></article>"


def _pull_state(pull: Pull) -> str:
    state = "merged" if pull.merged else pull.state
    return _state(state, f"{state} draft" if pull.draft and state == "open" else state)


def _state(state: str, text: str) -> str:
    return f"<span class='state {escape(state)}' title='{escape(state)}'>{escape(text)}</span>"


def _link(url: str | None, text: str) -> str:
    if not url or urlsplit(url).scheme not in {"http", "https"}:
        return escape(text)
    return f"<a href='{escape(url)}'>{escape(text)}</a>"
