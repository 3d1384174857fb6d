"""What the bot says on pull requests, in Prow's words where users know them (`pkg/plugins/trigger/pull-request.go`)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prowless.domain.trust import OK_TO_TEST, TrustOptions

if TYPE_CHECKING:
    from prowless.domain.specs import PullFacts

DRAFT = (
    "Skipping CI for Draft Pull Request.\n"
    "If you want CI signal for your change, please convert it to an actual PR.\n"
    "You can still manually trigger a test run with `/test all`"
)
ONLY_TRUSTED_REVOKE = "Only trusted users can revoke `/ok-to-test`."
_NEEDS_REVIEW = "Cannot trigger testing until a trusted user reviews the PR and leaves an `/ok-to-test` message."
_NO_OK_TO_TEST = (
    "PRs from untrusted users cannot be marked as trusted with `/ok-to-test` in this repo meaning untrusted PR authors "
    "can never trigger tests themselves. Collaborators can still trigger tests on the PR using `{command}`."
)
_BOUND = (
    "An approval holds for one commit. If new commits came shortly before it, name the commit that you have looked at: "
    "`/ok-to-test <full SHA>`.\n\n"
)


def untrusted(trust: TrustOptions) -> str:
    """The answer to a command on an untrusted pull (`generic-comment.go:86`)."""
    return _NO_OK_TO_TEST.format(command="/test") if trust.ignore_ok_to_test else _NEEDS_REVIEW


def unbound(reason: str, pull: PullFacts, trust: TrustOptions) -> str:
    """The answer to who may have looked at another commit than the present head."""
    return f"Nothing was approved or started: {reason}.\n\n{_once_looked_at(pull, trust)}"


def new_head(pull: PullFacts, trust: TrustOptions) -> str:
    """What is said when a push follows an approval."""
    return (
        f"An approval holds for one commit, and {pull.head_sha} was pushed since: its tests wait.\n\n"
        f"{_once_looked_at(pull, trust)}"
    )


def other_head(command: str, reason: str, pull: PullFacts) -> str:
    """The answer to a command on statuses that was said when another commit may have been the head."""
    return f"`{command}` changed nothing: {reason}. The head is {_commit(pull)} now: if that is meant, say it again."


def _commit(pull: PullFacts) -> str:
    return f"[{pull.head_sha}]({pull.repository_url}/pull/{pull.number}/commits/{pull.head_sha})"


def _once_looked_at(pull: PullFacts, trust: TrustOptions) -> str:
    commit = _commit(pull)
    if trust.ignore_ok_to_test:
        return f"Once you have looked at {commit}, say it again: in this repo `/test` by collaborators starts tests."
    return (
        f"Once a trusted user has looked at {commit}, they can approve it with\n```\n/ok-to-test {pull.head_sha}\n```"
    )


def welcome(pull: PullFacts, trust: TrustOptions) -> str:
    """The first words to a contributor who is not trusted yet (`pull-request.go:251-350`)."""
    greeting = f"Hi @{pull.author}. Thanks for your PR."
    if trust.ignore_ok_to_test:
        return f"{greeting}\n\n{_NO_OK_TO_TEST.format(command='/test all')}"
    org = pull.repository.partition("/")[0]
    members = f"[{org}]({_people(pull, org)}) "
    if trust.trusted_org and trust.trusted_org != org:
        members += f"or [{trust.trusted_org}]({_people(pull, trust.trusted_org)}) "
    bound = "" if trust.sticky else _BOUND
    join = trust.join_org_url or _people(pull, org)
    return (
        f"{greeting}\n\n"
        f"I'm waiting for a {members}member to verify that this patch is reasonable to test. If it is, they should "
        "reply with `/ok-to-test` on its own line. Until that is done, I will not automatically test new commits in "
        "this PR, but the usual testing commands by org members will still work.\n\n"
        f"{bound}"
        f"Regular contributors should [join the org]({join}) to skip this step.\n\n"
        f"Once the patch is verified, the new status will be reflected by the `{OK_TO_TEST}` label."
    )


def _people(pull: PullFacts, org: str) -> str:
    return f"{pull.site}/orgs/{org}/people"
