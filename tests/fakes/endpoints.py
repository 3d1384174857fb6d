"""External plugins in memory."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from prowless.ports.endpoints import Answer

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True)
class Posted:
    url: str
    headers: Mapping[str, str]
    body: bytes


@dataclass
class MemoryEndpoints:
    """`Endpoints`: `posted` are the requests; `answers` are taken in order, an exception is raised, then 200."""

    posted: list[Posted] = field(default_factory=list)
    answers: list[Answer | Exception] = field(default_factory=list)

    def post(self, url: str, headers: Mapping[str, str], body: bytes) -> Answer:
        self.posted.append(Posted(url, dict(headers), body))
        answer = self.answers.pop(0) if self.answers else Answer(status=200)
        if isinstance(answer, Exception):
            raise answer
        return answer
