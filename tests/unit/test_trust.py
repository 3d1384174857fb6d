import pytest

from prowless.domain.errors import RetryableError
from prowless.domain.trust import TrustOptions, is_bot, trusted_user


class Membership:
    def __init__(self, members=(), collaborators=()):
        self.members = set(members)
        self.collaborators = set(collaborators)

    def login(self):
        return "prowless[bot]"

    def is_member(self, org, user):
        return (org, user) in self.members

    def is_collaborator(self, repository, user):
        return (repository, user) in self.collaborators


WORLD = Membership(members=[("acme", "ada"), ("friends", "fred")], collaborators=[("acme/app", "carol")])


@pytest.mark.parametrize(
    ("options", "user", "trusted"),
    [
        ({}, "prowless[bot]", True),
        ({}, "prowless", True),
        ({}, "ada", True),
        ({}, "acme", True),  # a user account is the only member of itself
        ({}, "carol", True),
        ({"only_org_members": True}, "carol", False),
        ({}, "eve", False),
        ({}, "renovate[bot]", False),
        ({"trusted_apps": ("renovate",)}, "renovate[bot]", True),
        ({"trusted_apps": ("renovate",)}, "renovate", False),
        ({}, "fred", False),
        ({"trusted_org": "friends"}, "fred", True),
        ({"trusted_org": "acme"}, "eve", False),
    ],
)
def test_who_is_trusted(options, user, trusted):
    assert trusted_user(TrustOptions(**options), WORLD, "acme/app", user) is trusted


def test_an_error_is_no_answer():
    class Broken(Membership):
        def is_member(self, org, user):
            raise RetryableError("GitHub answered 502")

    with pytest.raises(RetryableError):
        trusted_user(TrustOptions(), Broken(), "acme/app", "eve")


@pytest.mark.parametrize(
    ("user", "ours"),
    [("prowless[bot]", True), ("prowless", True), ("Prowless", True), ("prowless2", False)],
)
def test_our_own_login_has_several_spellings(user, ours):
    assert is_bot("prowless[bot]", user) is ours


def test_options_survive_the_snapshot():
    options = TrustOptions(trusted_apps=("a",), trusted_org="b", only_org_members=True)
    assert TrustOptions.from_dict({**options.to_dict(), "newer": 1}) == options


def test_an_account_that_is_gone_is_not_trusted_and_not_asked_about():
    assert trusted_user(TrustOptions(trusted_org="acme"), None, "acme/app", "") is False
