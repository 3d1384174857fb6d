"""One API call: what a route handler gets, answers and raises."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import parse_qsl, urlencode

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from prowless_local.github.apps import Principal
    from prowless_local.github.checks import Checks
    from prowless_local.github.gitstore import GitRepository
    from prowless_local.github.records import Pull, Repository

DOCUMENTATION = "https://docs.github.com/rest"
DEFAULT_PAGE = 30
LARGEST_PAGE = 100
_T = TypeVar("_T")


class ApiError(Exception):
    """An answer that is not a success, in GitHub's form."""

    def __init__(
        self,
        status: int,
        message: str,
        *,
        errors: Sequence[Any] = (),
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.status = int(status)
        self.message = message
        self.errors = list(errors)
        self.headers = dict(headers or {})

    def body(self) -> dict[str, Any]:
        """GitHub's error body."""
        errors = {"errors": self.errors} if self.errors else {}
        return {
            "message": self.message,
            **errors,
            "documentation_url": DOCUMENTATION,
            "status": str(self.status),
        }


def not_found() -> ApiError:
    """404, also for what the caller may not see."""
    return ApiError(HTTPStatus.NOT_FOUND, "Not Found")


def invalid(resource: str, field_name: str, message: str, code: str = "custom") -> ApiError:
    """422 about one field."""
    error = {"resource": resource, "code": code, "field": field_name, "message": message}
    return ApiError(HTTPStatus.UNPROCESSABLE_ENTITY, "Validation Failed", errors=[error])


def unprocessable(message: str) -> ApiError:
    """422 with a sentence."""
    return ApiError(HTTPStatus.UNPROCESSABLE_ENTITY, message)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """A success. `body` is JSON, bytes (sent as they are) or None (no content)."""

    body: Any = None
    status: int = HTTPStatus.OK
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One request to a route. `params` are the path's variables, unquoted; `body` is the JSON or None."""

    github: Checks
    path: str
    params: Mapping[str, str]
    query: str
    headers: Mapping[str, str]
    body: Any
    principal: Principal

    @property
    def options(self) -> dict[str, str]:
        """The query's parameters; of a repeated one the last."""
        return dict(parse_qsl(self.query, keep_blank_values=True))

    @property
    def repository(self) -> Repository:
        """The repository the path names.

        Raises:
            ApiError: 404, there is none.
        """
        try:
            return self.github.repository(f"{self.params['owner']}/{self.params['repo']}")
        except KeyError:
            raise not_found() from None

    @property
    def pull(self) -> Pull:
        """The pull request the path names.

        Raises:
            ApiError: 404, there is none.
        """
        try:
            return self.github.pull(self.repository.full_name, self.integer("number"))
        except KeyError:
            raise not_found() from None

    def integer(self, name: str) -> int:
        """A path variable that must be a number, else 404."""
        text = self.params[name]
        if not text.isdecimal():
            raise not_found()
        return int(text)

    def field(self, name: str, kind: type[_T], default: _T | None = None, *, required: bool = False) -> _T | None:
        """A field of the body.

        Raises:
            ApiError: 422, it is missing or has another type.
        """
        value = self.json.get(name)
        if value is None:
            if required:
                raise unprocessable(f'Invalid request.\n\n"{name}" wasn\'t supplied.')
            return default
        if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
            raise unprocessable(f"Invalid request.\n\nFor 'properties/{name}', {value!r} is not a {kind.__name__}.")
        return value

    def required(self, name: str, kind: type[_T]) -> _T:
        """A field that must be there."""
        value = self.field(name, kind, required=True)
        if value is None:
            raise unprocessable(f'Invalid request.\n\n"{name}" wasn\'t supplied.')
        return value

    @property
    def json(self) -> dict[str, Any]:
        """The body as a JSON object.

        Raises:
            ApiError: 400, it is another kind of JSON.
        """
        if self.body is None:
            return {}
        if not isinstance(self.body, dict):
            raise ApiError(HTTPStatus.BAD_REQUEST, "Body should be a JSON object")
        return self.body

    def page(self) -> tuple[int, int]:
        """The page asked for, from 1, and its size (30 unless asked, at most 100)."""
        options = self.options
        number, size = options.get("page", ""), options.get("per_page", "")
        wanted = int(size) if size.isdecimal() and int(size) else DEFAULT_PAGE
        return max(1, int(number) if number.isdecimal() else 1), min(wanted, LARGEST_PAGE)

    def paged(
        self, items: Sequence[_T], view: Callable[[_T], Any], *, wrap: Callable[[list[Any]], Any] | None = None
    ) -> Reply:
        """One page of a list with its `Link` header; only that page's items are turned into JSON."""
        number, size = self.page()
        shown = [view(item) for item in items[(number - 1) * size : number * size]]
        last = max(1, -(-len(items) // size))
        links: dict[str, int] = {}
        if number > 1:
            links |= {"prev": min(number - 1, last), "first": 1}
        if number < last:
            links |= {"next": number + 1, "last": last}
        header = ", ".join(f'<{self.link(page=page)}>; rel="{name}"' for name, page in links.items())
        return Reply(body=wrap(shown) if wrap else shown, headers={"Link": header} if header else {})

    def link(self, **changes: object) -> str:
        """This call's own address with other query parameters."""
        options = {**self.options, **{name: str(value) for name, value in changes.items()}}
        return f"{self.github.url}{self.path}?{urlencode(options)}"

    def commit_sha(self, ref: str) -> str | None:
        """The commit that a branch, tag, reference or SHA names in the repository, or None."""
        return self.github.git(self.repository.full_name).resolve(ref)

    def pushers_only(self, message: str) -> None:
        """Refuse users without write access.

        Raises:
            ApiError: 403 with the message.
        """
        who = self.principal
        if who.kind == "user" and not self.github.is_collaborator(self.repository.full_name, who.login):
            raise ApiError(HTTPStatus.FORBIDDEN, message)


Handler = "Callable[[Call], Reply]"


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """What answers a method and path.

    Attributes:
        method: HTTP method.
        path: Template; `{ref}`, `{path}` and `{basehead}` may contain slashes.
        handler: Answers.
        permission: `name:level` an installation token needs, or empty.
        auth: `any` (also anonymous, for public repositories), `user`, or `app` (a JWT).
    """

    method: str
    path: str
    handler: Callable[[Call], Reply]
    permission: str = "metadata:read"
    auth: str = "any"

    def pattern(self) -> re.Pattern[str]:
        """The regular expression a quoted path must match."""

        def variable(match: re.Match[str]) -> str:
            name = match[1]
            return f"(?P<{name}>.+)" if name in {"ref", "path", "basehead"} else f"(?P<{name}>[^/]+)"

        return re.compile(re.sub(r"\\\{(\w+)\\\}", variable, re.escape(self.path)) + r"/?\Z")


def tree_of(git: GitRepository, sha: str) -> str:
    """The tree of a commit, for what git calls a tree-ish."""
    return git.run("rev-parse", f"{sha}^{{tree}}").decode().strip()
