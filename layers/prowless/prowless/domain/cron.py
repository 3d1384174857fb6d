"""Cron expressions as Prow's library reads them (robfig/cron v3: optional seconds, descriptors, `?`), in UTC.

An expression means times as whole seconds; everything here is in epoch seconds.
"""

from __future__ import annotations

import re
from calendar import monthrange
from dataclasses import dataclass
from datetime import UTC, datetime

from prowless.domain.durations import parse_duration_ms
from prowless.domain.errors import ConfigError

_YEARS = 5
"""How far ahead a time is looked for, as in the library; 30 February never comes."""
_MAX_LENGTH = 256
_MONTHS = {
    name: number
    for number, name in enumerate(
        ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"), 1
    )
}
_DAYS = {name: number for number, name in enumerate(("sun", "mon", "tue", "wed", "thu", "fri", "sat"))}
_DESCRIPTORS = {
    "@yearly": "0 0 0 1 1 *",
    "@annually": "0 0 0 1 1 *",
    "@monthly": "0 0 0 1 * *",
    "@weekly": "0 0 0 * * 0",
    "@daily": "0 0 0 * * *",
    "@midnight": "0 0 0 * * *",
    "@hourly": "0 0 * * * *",
}
_FIELD_COUNTS = (5, 6)
_DECEMBER = 12
_ENDS = 2
_NUMBER = re.compile(r"[0-9]{1,9}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Every:
    """`@every`: a fixed number of seconds after the time asked about."""

    seconds: int

    def following(self, after: int) -> int | None:
        """The next time after that one."""
        return after + self.seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class Fields:
    """Six sets of numbers. `any_dom` and `any_dow`: the field was `*`, so that the other one decides alone."""

    seconds: tuple[int, ...]
    minutes: tuple[int, ...]
    hours: tuple[int, ...]
    doms: frozenset[int]
    months: frozenset[int]
    dows: frozenset[int]
    any_dom: bool
    any_dow: bool

    def following(self, after: int) -> int | None:
        """The next time strictly after that one, or None if there is none within five years."""
        start = datetime.fromtimestamp(after + 1, UTC)
        year, month, day = start.year, start.month, start.day
        clock: tuple[int, int, int] | None = (start.hour, start.minute, start.second)
        while year <= start.year + _YEARS:
            if month in self.months:
                for candidate in range(day, monthrange(year, month)[1] + 1):
                    time = self._time_of_day(clock) if self._on(year, month, candidate) else None
                    if time is not None:
                        return int(datetime(year, month, candidate, *time, tzinfo=UTC).timestamp())
                    clock = None
            day, clock = 1, None
            year, month = (year + 1, 1) if month == _DECEMBER else (year, month + 1)
        return None

    def _on(self, year: int, month: int, day: int) -> bool:
        """Day of month and of week: both must fit, or either if both are restricted (`dayMatches`)."""
        dom = day in self.doms
        dow = (datetime(year, month, day, tzinfo=UTC).weekday() + 1) % 7 in self.dows
        return (dom and dow) if self.any_dom or self.any_dow else (dom or dow)

    def _time_of_day(self, earliest: tuple[int, int, int] | None) -> tuple[int, int, int] | None:
        """The first time of a day, not before `earliest`."""
        if not (self.hours and self.minutes and self.seconds):
            return None
        if earliest is None:
            return (self.hours[0], self.minutes[0], self.seconds[0])
        for hour in (h for h in self.hours if h >= earliest[0]):
            if hour > earliest[0]:
                return (hour, self.minutes[0], self.seconds[0])
            for minute in (m for m in self.minutes if m >= earliest[1]):
                low = earliest[2] if minute == earliest[1] else 0
                second = next((s for s in self.seconds if s >= low), None)
                if second is not None:
                    return (hour, minute, second)
        return None


def parse_cron(expression: str) -> Fields | Every:
    """The times an expression means.

    Raises:
        ConfigError: not an expression of that syntax. Time zones (`TZ=`) are refused: Prow runs all in UTC.
    """
    text = expression.strip()
    if not text:
        raise ConfigError(["empty spec string"])
    if len(text) > _MAX_LENGTH:
        raise ConfigError([f"longer than {_MAX_LENGTH} characters"])
    if text.startswith(("TZ=", "CRON_TZ=")):
        raise ConfigError(["time zones are not supported: expressions are in UTC"])
    if text.startswith("@every "):
        return Every(max(1, parse_duration_ms(text.removeprefix("@every ")) // 1000))
    if text.startswith("@"):
        if text not in _DESCRIPTORS:
            raise ConfigError([f"unrecognized descriptor: {text}"])
        text = _DESCRIPTORS[text]
    fields = text.split()
    if len(fields) not in _FIELD_COUNTS:
        raise ConfigError([f"expected 5 to 6 fields, found {len(fields)}: {fields}"])
    second, minute, hour, dom, month, dow = ["0", *fields] if len(fields) == _FIELD_COUNTS[0] else fields
    doms, any_dom = _field(dom, 1, 31)
    dows, any_dow = _field(dow, 0, 6, _DAYS)
    return Fields(
        seconds=tuple(sorted(_field(second, 0, 59)[0])),
        minutes=tuple(sorted(_field(minute, 0, 59)[0])),
        hours=tuple(sorted(_field(hour, 0, 23)[0])),
        doms=doms,
        months=_field(month, 1, 12, _MONTHS)[0],
        dows=dows,
        any_dom=any_dom,
        any_dow=any_dow,
    )


def _field(text: str, low: int, high: int, names: dict[str, int] | None = None) -> tuple[frozenset[int], bool]:
    """The numbers of one field, and whether a `*` is among its parts."""
    numbers: set[int] = set()
    star = False
    for part in filter(None, text.split(",")):
        found, starred = _range(part, low, high, names or {})
        numbers.update(found)
        star = star or starred
    return frozenset(numbers), star


def _range(text: str, low: int, high: int, names: dict[str, int]) -> tuple[range, bool]:
    """`*`, `7`, `1-5`, each with `/step`; `N/step` is `N-max/step`, and a step above 1 takes the star away."""
    span, *steps = text.split("/")
    ends = span.split("-")
    star = ends[0] in {"*", "?"}
    if len(steps) > 1:
        raise ConfigError([f"too many slashes: {text}"])
    if star:
        start, end = low, high
    elif len(ends) > _ENDS:
        raise ConfigError([f"too many hyphens: {text}"])
    else:
        start = _number(ends[0], names)
        end = _number(ends[1], names) if len(ends) > 1 else high if steps else start
    step = _number(steps[0], {}) if steps else 1
    if start < low:
        raise ConfigError([f"beginning of range ({start}) below minimum ({low}): {text}"])
    if end > high:
        raise ConfigError([f"end of range ({end}) above maximum ({high}): {text}"])
    if start > end:
        raise ConfigError([f"beginning of range ({start}) beyond end of range ({end}): {text}"])
    if step == 0:
        raise ConfigError([f"step of range should be a positive number: {text}"])
    return range(start, end + 1, step), star and step == 1


def _number(text: str, names: dict[str, int]) -> int:
    if text.lower() in names:
        return names[text.lower()]
    if not _NUMBER.fullmatch(text):
        raise ConfigError([f"failed to parse int from {text[:20]!r}"])
    return int(text)
