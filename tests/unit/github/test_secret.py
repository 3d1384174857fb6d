"""The secret with GitHub's credentials."""

from __future__ import annotations

import json
import traceback
from typing import Any

import pytest

from prowless.adapters.github.secret import Credentials, parse_secret
from prowless.domain.errors import ConfigError

KEY = "-----BEGIN RSA PRIVATE KEY-----\nCANARY\n-----END RSA PRIVATE KEY-----\n"


def test_a_token_is_taken_without_surrounding_space() -> None:
    assert parse_secret('{"token": " ghp_x\\n", "webhook_secret": "ignored"}') == Credentials(token="ghp_x")


@pytest.mark.parametrize("app_id", [123, "123", "Iv1.8a61f9b3a7aba766", "Iv23liabcDEF"])
def test_an_app_has_an_id_and_a_key(app_id: int | str) -> None:
    secret = json.dumps({"app_id": app_id, "private_key": KEY})
    assert parse_secret(secret) == Credentials(app_id=str(app_id), private_key=KEY)


def test_a_key_with_escaped_line_breaks_is_repaired() -> None:
    assert parse_secret(json.dumps({"app_id": 1, "private_key": KEY.replace("\n", "\\n")})).private_key == KEY


@pytest.mark.parametrize(
    ("secret", "problem"),
    [
        ("ghp_CANARY", "not JSON"),
        ('["CANARY"]', "not a JSON object"),
        ({"webhook_secret": "CANARY"}, "neither token nor app_id"),
        ({"token": ""}, "neither token nor app_id"),
        ({"token": "CANARY", "app_id": 1, "private_key": KEY}, "both a token and an App"),
        ({"token": ["CANARY"]}, "token must be a string"),
        ({"app_id": 1}, "private_key is missing"),
        ({"private_key": KEY}, "app_id is missing"),
        ({"app_id": True, "private_key": KEY}, "app_id must be"),
        ({"app_id": "1\r\nCANARY", "private_key": KEY}, "app_id must be"),
        ({"app_id": 1, "private_key": "CANARY"}, "private_key must be a PEM"),
        ({"app_id": 1, "private_key": {"CANARY": 1}}, "private_key must be a PEM"),
        ({"app_id": 1, "private_key": "-----BEGIN CERTIFICATE-----CANARY"}, "private_key must be a PEM"),
    ],
)
def test_what_is_missing_is_named_and_nothing_is_quoted(secret: Any, problem: str) -> None:
    with pytest.raises(ConfigError, match=problem) as caught:
        parse_secret(secret if isinstance(secret, str) else json.dumps(secret))
    assert "CANARY" not in "".join(traceback.format_exception(caught.value))
    assert caught.value.__context__ is None or caught.value.__suppress_context__


def test_all_problems_of_an_app_are_told_at_once() -> None:
    with pytest.raises(ConfigError) as caught:
        parse_secret('{"app_id": "a b", "private_key": "x"}')
    assert len(caught.value.problems) == 2


def test_credentials_show_no_secret() -> None:
    assert repr(Credentials(token="CANARY", app_id="1", private_key="CANARY")) == "Credentials(app_id='1')"
