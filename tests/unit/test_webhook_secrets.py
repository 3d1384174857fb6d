import hashlib
import hmac

import pytest

from prowless.domain.errors import ConfigError
from prowless.domain.webhook_secrets import WebhookSecrets


def sign(secret, body=b"{}"):
    return "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


def test_a_plain_text_is_one_secret_for_everything():
    secrets = WebhookSecrets.parse("s1\n")
    assert secrets.verifies(secrets.scope("a/b", "a", ""), b"{}", sign("s1"))


def test_only_the_most_specific_level_is_tried():
    secrets = WebhookSecrets.parse(
        '{"*": ["all"], "acme": ["org"], "acme/app": [{"value": "repo", "created_at": "x"}]}'
    )
    assert secrets.scope("acme/app", "acme", "") == "acme/app"
    assert secrets.scope("acme/other", "acme", "") == "acme"
    assert secrets.scope("x/y", "x", "") == "*"
    assert secrets.verifies("acme/app", b"{}", sign("repo"))
    assert not secrets.verifies("acme/app", b"{}", sign("org"))
    assert not secrets.verifies("acme/app", b"{}", sign("all"))


def test_two_secrets_are_valid_while_one_replaces_the_other():
    secrets = WebhookSecrets.parse('{"*": ["new", "old"]}')
    assert secrets.verifies("*", b"{}", sign("old"))
    assert secrets.verifies("*", b"{}", sign("new"))


def test_an_apps_secret_is_only_for_that_app():
    secrets = WebhookSecrets.parse('{"app:12": ["app"], "*": ["all"]}')
    assert secrets.scope("a/b", "a", "12") == "app:12"
    assert secrets.scope("a/b", "a", "13") == "*"
    assert secrets.scope("a/b", "a", "") == "*"


def test_no_level_names_it_and_nothing_verifies():
    secrets = WebhookSecrets.parse('{"acme": ["org"]}')
    assert secrets.scope("x/y", "x", "") == ""
    assert not secrets.verifies("", b"{}", sign("org"))


@pytest.mark.parametrize("text", ['{"*": []}', '{"*": [""]}', '{"*": [5]}', '{"*": [{"created_at": "x"}]}'])
def test_a_level_without_a_secret_is_refused_by_name(text):
    with pytest.raises(ConfigError, match=r"level '\*'"):
        WebhookSecrets.parse(text)


def test_a_secret_never_shows_in_a_repr():
    assert "s3cret" not in repr(WebhookSecrets.parse('{"*": ["s3cret"]}'))


def test_a_body_is_signed_with_the_newest_secret_of_its_level():
    entries = [f'{{"value": "s{year}", "created_at": "{year}-01-01T00:00:00Z"}}' for year in (2024, 2026, 2025)]
    secrets = WebhookSecrets.parse('{"*": ["first", "second"], "acme": [' + ",".join(entries) + "]}")
    assert secrets.signatures("*", b"{}")["X-Hub-Signature-256"] == sign("first")
    assert secrets.signatures("acme", b"{}")["X-Hub-Signature-256"] == sign("s2026")
    assert secrets.signatures("*", b"{}")["X-Hub-Signature"] == "sha1=" + hmac.new(b"first", b"{}", "sha1").hexdigest()


def test_nothing_is_signed_for_a_level_that_is_gone():
    with pytest.raises(ConfigError, match="no level 'acme'"):
        WebhookSecrets.parse('{"*": ["s"]}').signatures("acme", b"{}")
