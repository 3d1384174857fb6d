"""Whose pull requests and commands may start jobs (`pkg/plugins/trigger/trigger.go:253-316`)."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, Protocol

from prowless.domain.wording import listed, shown

if TYPE_CHECKING:
    from collections.abc import Mapping

OK_TO_TEST = "ok-to-test"
NEEDS_OK_TO_TEST = "needs-ok-to-test"
LGTM = "lgtm"


@dataclass(frozen=True, slots=True, kw_only=True)
class TrustOptions:
    """The options of Prow's trigger plugin for one repository, from the most specific entry alone (no merging).

    `sticky` is ours: an approval outlives later pushes, as in Prow; otherwise it holds for one commit.
    """

    trusted_apps: tuple[str, ...] = ()
    trusted_org: str = ""
    join_org_url: str = ""
    only_org_members: bool = False
    ignore_ok_to_test: bool = False
    sticky: bool = False

    def to_dict(self) -> dict[str, Any]:
        """As the snapshot keeps it."""
        return {f.name: value for f in fields(self) if (value := getattr(self, f.name))}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> TrustOptions:
        """From the snapshot; unknown keys are ignored."""
        known = {f.name: data[f.name] for f in fields(cls) if f.name in data}
        return cls(**{**known, "trusted_apps": tuple(known.get("trusted_apps", ()))})


class Membership(Protocol):
    """What trust asks GitHub. An error there is an error here, never a "no"."""

    def login(self) -> str:
        """Who we are: the token's user, or `<app>[bot]`."""
        ...

    def is_member(self, org: str, user: str) -> bool:
        """Whether the user is a member of the organisation."""
        ...

    def is_collaborator(self, repository: str, user: str) -> bool:
        """Whether the user is a collaborator of the repository."""
        ...


def is_bot(bot: str, user: str) -> bool:
    """Whether a login is our own, with or without GitHub's suffix for apps."""
    return user.removesuffix("[bot]").lower() == bot.removesuffix("[bot]").lower()


def trusted_user(options: TrustOptions, membership: Membership, repository: str, user: str) -> bool:
    """Whether a user is trusted in a repository: ourselves, members, collaborators, listed apps, a second organisation.

    Args:
        options: the repository's options.
        membership: GitHub.
        repository: `org/repo`.
        user: a login; an organisation that is a user counts as its own member, an account that is gone has none.
    """
    if not user:
        return False
    org = repository.partition("/")[0]
    if is_bot(membership.login(), user) or user.lower() == org.lower() or membership.is_member(org, user):
        return True
    if not options.only_org_members and membership.is_collaborator(repository, user):
        return True
    if user.endswith("[bot]") and user.removesuffix("[bot]") in options.trusted_apps:
        return True
    second = options.trusted_org
    return bool(second) and second != org and (user.lower() == second.lower() or membership.is_member(second, user))


def distrust(options: TrustOptions, repository: str, user: str) -> str:
    """What a user is not who is not trusted: the rules of `trusted_user` in words."""
    org = repository.partition("/")[0]
    second = options.trusted_org
    orgs = f"{org} or {shown(second)}" if second and second != org else org
    parts = [f"{shown(user) or 'an account that is gone'} is no member of {orgs}"]
    if options.only_org_members:
        parts[0] += " (only_org_members is true)"
    else:
        parts.append(f"no collaborator of {repository}")
    if user.endswith("[bot]"):
        parts.append(f"not one of trusted_apps ({listed(options.trusted_apps) or 'none'})")
    return " and ".join(parts)
