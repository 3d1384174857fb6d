"""Go's durations, as Prow's configuration writes them (`time.ParseDuration`)."""

from __future__ import annotations

import re
from fractions import Fraction

from prowless.domain.errors import ConfigError

_UNITS_NS = {
    "ns": 1,
    "us": 1_000,
    "µs": 1_000,  # U+00B5
    "μs": 1_000,  # U+03BC: Go accepts both signs
    "ms": 1_000_000,
    "s": 1_000_000_000,
    "m": 60_000_000_000,
    "h": 3_600_000_000_000,
}
_MAX_NS = (1 << 63) - 1
_MAX_LENGTH = 64
_SECOND_MS = 1000
_PART = re.compile(r"([0-9]*)(?:\.([0-9]*))?(ns|us|µs|μs|ms|s|m|h)", re.ASCII)


def parse_duration_ms(text: str) -> int:
    """Milliseconds of `1h30m`, `1.5h`, `300ms` or `0`, rounded towards zero. There is no unit of days.

    Raises:
        ConfigError: not a duration, or beyond Go's 64 bits of nanoseconds.
    """
    rest = text
    sign = 1
    if rest[:1] in {"-", "+"}:
        sign = -1 if rest[0] == "-" else 1
        rest = rest[1:]
    if rest == "0":
        return 0
    if not rest or len(text) > _MAX_LENGTH:
        raise _invalid(text)
    total = Fraction(0)
    position = 0
    while position < len(rest):
        part = _PART.match(rest, position)
        if part is None or not (part[1] or part[2]):
            raise _invalid(text)
        total += Fraction(f"{part[1] or 0}.{part[2] or 0}") * _UNITS_NS[part[3]]
        position = part.end()
    if total > _MAX_NS:
        raise _invalid(text)
    return sign * int(total / 1_000_000)


def format_duration(milliseconds: int) -> str:
    """Go's text of a duration: `1h30m0s`, `45s`, `1.5s`, `300ms`, `0s`."""
    if milliseconds < 0:
        return "-" + format_duration(-milliseconds)
    if milliseconds == 0:
        return "0s"
    if milliseconds < _SECOND_MS:
        return f"{milliseconds}ms"
    seconds, milli = divmod(milliseconds, 1000)
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    fraction = f".{milli:03d}".rstrip("0") if milli else ""
    text = f"{seconds}{fraction}s"
    if hours:
        return f"{hours}h{minutes}m{text}"
    return f"{minutes}m{text}" if minutes else text


def _invalid(text: str) -> ConfigError:
    return ConfigError([f"time: invalid duration {text[:_MAX_LENGTH]!r}: write it as 90s, 10m, 1h30m or 24h"])
