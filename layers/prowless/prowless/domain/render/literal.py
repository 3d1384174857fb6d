"""Text that has to reach a container as it is.

Kubernetes expands `$(NAME)` in the values of variables, in commands and in arguments. Argo replaces `{{…}}` in every
string of a template, several times over, so nothing that is itself a tag can stand for a brace. Tekton replaces
`$(params.…)` and knows no escape. A pull request's title may hold all three. What the three have in common is that
Kubernetes expands last and once: so a brace pair or a dollar is written with a reference to a helper variable.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_DOLLAR = "PROWLESS_DOLLAR"
_NOTHING = "PROWLESS_NOTHING"
_HELPERS = {_DOLLAR: "$", _NOTHING: ""}


def untagged(text: str) -> str:
    """The text with a reference between any two opening braces, for Argo; its `$(NAME)` keep their meaning."""
    while "{{" in text:
        text = text.replace("{{", f"{{$({_NOTHING}){{")
    return text


def literal(text: str) -> str:
    """The text written so that neither Kubernetes, Argo nor Tekton reads anything into it."""
    if "$(" in text or "$$" in text:
        text = text.replace("$", f"$({_DOLLAR})")
    return untagged(text)


def variables(environment: Mapping[str, str]) -> list[dict[str, Any]]:
    """Container variables with exactly these values, sorted by name (`decorate/podspec.go:956`)."""
    return [{"name": name, "value": literal(environment[name])} for name in sorted(environment)]


def with_helpers(env: list[dict[str, Any]], texts: Iterable[str] = ()) -> list[dict[str, Any]]:
    """The variables, led by the helpers that they or the container's other texts refer to."""
    everything = [*texts, *(str(entry.get("value") or "") for entry in env)]
    present = {entry.get("name") for entry in env}
    helpers = [
        {"name": name, "value": value}
        for name, value in _HELPERS.items()
        if name not in present and any(f"$({name})" in text for text in everything)
    ]
    return helpers + env
