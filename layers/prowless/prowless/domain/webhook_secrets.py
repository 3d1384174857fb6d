"""Which secret may sign a delivery: only the most specific level that names it (`pkg/github/hmac.go:42-150`)."""

from __future__ import annotations

import hashlib
import hmac
import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from prowless.domain.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Mapping

GLOBAL = "*"
APP_PREFIX = "app:"


@dataclass(frozen=True, slots=True)
class WebhookSecrets:
    """Secrets by level: `org/repo`, `org`, `*`, or `app:<id>` for the deliveries of that GitHub App."""

    levels: Mapping[str, tuple[bytes, ...]] = field(repr=False)

    @classmethod
    def parse(cls, text: str) -> WebhookSecrets:
        """From a JSON map of level to secrets; anything that is not such a map is one secret for everything.

        A level's value is a secret, or a list of secrets or of Prow's `{"value": …, "created_at": …}`. The newest
        comes first: by `created_at`, else as they are listed.

        Raises:
            ConfigError: a level without a usable secret; the message never holds one.
        """
        try:
            data = json.loads(text)
        except ValueError:
            data = text.strip()
        if not isinstance(data, dict):
            data = {GLOBAL: [text.strip()]}
        levels = {level: tuple(_values(level, value)) for level, value in data.items()}
        return cls(levels)

    def scope(self, repository: str, organization: str, app_id: str) -> str:
        """The level that decides for a delivery, or nothing if none names it."""
        if app_id and (level := f"{APP_PREFIX}{app_id}") in self.levels:
            return level
        for level in (repository, organization, GLOBAL):
            if level and level in self.levels:
                return level
        return ""

    def verifies(self, scope: str, body: bytes, signature: str) -> bool:
        """Whether one of the level's secrets made the `X-Hub-Signature-256` value, compared in constant time."""
        valid = False
        for secret in self.levels.get(scope, ()):
            expected = "sha256=" + hmac.new(secret, body, hashlib.sha256).hexdigest()
            valid |= hmac.compare_digest(expected.encode(), signature.encode("utf-8", "replace"))
        return valid

    def signatures(self, scope: str, body: bytes) -> dict[str, str]:
        """GitHub's signature headers of a body, by the newest secret of a level.

        Raises:
            ConfigError: the level is gone.
        """
        if not self.levels.get(scope):
            raise ConfigError([f"the webhook secret has no level {scope!r} any more, so nothing can be signed for it"])
        secret = self.levels[scope][0]
        return {
            "X-Hub-Signature": f"sha1={hmac.new(secret, body, 'sha1').hexdigest()}",
            "X-Hub-Signature-256": f"sha256={hmac.new(secret, body, hashlib.sha256).hexdigest()}",
        }


def _values(level: str, value: Any) -> list[bytes]:
    entries = value if isinstance(value, list) else [value]
    entries = sorted(entries, key=_created_at, reverse=True)
    secrets = [entry.get("value") if isinstance(entry, dict) else entry for entry in entries]
    usable = [secret.encode() for secret in secrets if isinstance(secret, str) and secret]
    if not usable or len(usable) != len(secrets):
        raise ConfigError([f"webhook secret, level {level!r}: expected a non-empty secret or a list of them"])
    return usable


def _created_at(entry: Any) -> str:
    return str(entry.get("created_at") or "") if isinstance(entry, dict) else ""
