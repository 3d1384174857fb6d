"""What the fake remembers, as immutable values: a reader holds a snapshot, a change replaces the value.

Times are epoch milliseconds. `repository` is always `org/name` as it was created.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """A user, a bot or an organisation. `type` is GitHub's: User, Bot or Organization."""

    id: int
    login: str
    type: str
    created_ms: int

    @property
    def email(self) -> str:
        """GitHub's no-reply address, which also names the account in commits."""
        return f"{self.id}+{self.login}@users.noreply.github.com"


@dataclass(frozen=True, slots=True, kw_only=True)
class Repository:
    """A repository; `fork_of` is the full name of the one it was forked from, or empty."""

    id: int
    full_name: str
    default_branch: str
    private: bool
    created_ms: int
    pushed_ms: int
    fork_of: str = ""

    @property
    def owner(self) -> str:
        """The organisation or user."""
        return self.full_name.partition("/")[0]

    @property
    def name(self) -> str:
        """The name without the owner."""
        return self.full_name.partition("/")[2]


@dataclass(frozen=True, slots=True, kw_only=True)
class Label:
    """A repository's label."""

    id: int
    name: str
    color: str = "ededed"
    description: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pull:
    """A pull request.

    `base_sha` is the base branch's head when the pull's head or base last changed; like GitHub's it does not follow
    the base. `merge_sha` is the test merge (`refs/pull/N/merge`) or, once merged, the commit on the base.
    `mergeable` is None while the test merge is being computed.
    """

    id: int
    repository: str
    number: int
    title: str
    body: str
    author: str
    head_repository: str
    head_ref: str
    head_sha: str
    base_ref: str
    base_sha: str
    created_ms: int
    updated_ms: int
    state: str = "open"
    draft: bool = False
    merge_sha: str | None = None
    mergeable: bool | None = None
    merged_by: str | None = None
    merged_ms: int | None = None
    closed_ms: int | None = None
    labels: tuple[str, ...] = ()

    @property
    def merged(self) -> bool:
        """Whether it was merged."""
        return self.merged_ms is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class Comment:
    """A comment in a pull's conversation. `app_id` is set when an App wrote it."""

    id: int
    repository: str
    number: int
    author: str
    body: str
    created_ms: int
    updated_ms: int
    app_id: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Review:
    """A submitted review; `state` is approved, changes_requested or commented."""

    id: int
    repository: str
    number: int
    author: str
    state: str
    body: str
    commit_id: str
    at_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewComment:
    """A review's comment on a file."""

    id: int
    review_id: int
    repository: str
    number: int
    author: str
    path: str
    body: str
    commit_id: str
    at_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """One posted commit status. The newest of a context is the one in effect."""

    id: int
    repository: str
    sha: str
    context: str
    state: str
    description: str | None
    target_url: str | None
    creator: str
    at_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckRun:
    """A check run; `output` and `actions` are as the App sent them, `annotations` all that were sent so far."""

    id: int
    repository: str
    head_sha: str
    name: str
    app_id: int
    status: str
    conclusion: str | None
    started_ms: int
    completed_ms: int | None
    details_url: str | None = None
    external_id: str = ""
    output: Mapping[str, Any] = field(default_factory=dict)
    annotations: tuple[Mapping[str, Any], ...] = ()
    actions: tuple[Mapping[str, Any], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class MergeGroup:
    """A merge queue's group: `numbers` merged one after another on `base_sha` give `head_sha` at `head_ref`."""

    repository: str
    numbers: tuple[int, ...]
    head_sha: str
    head_ref: str
    base_sha: str
    base_ref: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Installation:
    """An App on an organisation or user, with all its repositories."""

    id: int
    app_id: int
    account: str
    permissions: Mapping[str, str]
    created_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class App:
    """A GitHub App. `installations` maps an owner's login to the installation id and grows with new owners."""

    app_id: int
    slug: str
    owner: str
    private_key_pem: str = field(repr=False)
    permissions: Mapping[str, str]
    installations: dict[str, int]
    created_ms: int

    @property
    def client_id(self) -> str:
        """What a JWT's issuer may name instead of the id."""
        return f"Iv1.{self.app_id:016x}"

    @property
    def bot(self) -> str:
        """The login its comments and statuses carry."""
        return f"{self.slug}[bot]"


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """Something changed.

    `kind` names the record: status, check_run, comment, review, pull, push, merge_group, repository or delivery.
    `action` says what happened to it, in GitHub's word where it has one; `number` is 0 and `sha` empty where the
    kind has none.
    """

    kind: str
    action: str
    repository: str
    record: Any
    at_ms: int
    number: int = 0
    sha: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestRecord:
    """One HTTP request as the fake answered it. `auth` is anonymous, user, installation or app.

    `status` is 0 when the connection was dropped.
    """

    method: str
    path: str
    query: str
    status: int
    auth: str
    at_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class FaultResponse:
    """What a fault hook answers instead of GitHub.

    Attributes:
        status: HTTP status.
        headers: Added to the answer.
        body: JSON value, text or bytes.
        drop: Close the connection without an answer.
        after_effect: Carry the call out first, so that the caller cannot know that it took effect.
    """

    status: int = 500
    headers: Mapping[str, str] = field(default_factory=dict)
    body: Any = None
    drop: bool = False
    after_effect: bool = False
