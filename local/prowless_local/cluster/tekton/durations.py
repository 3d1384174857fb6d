"""Durations as Go and Tekton write them."""

from __future__ import annotations

import re

_PART = re.compile(r"(\d+(?:\.\d+)?)(ns|us|µs|ms|s|m|h)")
_UNITS = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0}


def seconds(text: str) -> float:
    """Seconds of a duration such as `1h30m` or `0`.

    Raises:
        ValueError: not such a duration.
    """
    text = str(text).strip()
    if text == "0":
        return 0.0
    if not text or _PART.sub("", text):
        raise ValueError(f'time: invalid duration "{text}"')
    return sum(float(number) * _UNITS[unit] for number, unit in _PART.findall(text))


def written(duration: float) -> str:
    """The duration as Go's `time.Duration` prints it."""
    if not duration:
        return "0s"
    if duration < 1:
        return f"{duration * 1000:g}ms"
    whole, fraction = divmod(duration, 1)
    hours, rest = divmod(int(whole), 3600)
    minutes, left = divmod(rest, 60)
    text = f"{round(left + fraction, 9):g}s"
    if hours or minutes:
        text = f"{minutes}m{text}"
    return f"{hours}h{text}" if hours else text
