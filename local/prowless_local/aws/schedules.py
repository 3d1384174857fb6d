"""EventBridge's schedule expressions: `rate(…)` and `cron(…)`, in UTC."""

from __future__ import annotations

import calendar
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

_UNITS = {"minute": 60, "hour": 3600, "day": 86400}
_MONTHS = {name.upper(): number for number, name in enumerate(calendar.month_abbr) if name}
_DAYS = {name: number for number, name in enumerate(("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"), start=1)}
_FIELDS = 6
_FARTHEST_DAYS = 366 * 9  # a 29 February can be eight years away


@dataclass(frozen=True, slots=True)
class Rate:
    """`rate(5 minutes)`."""

    seconds: int

    def next_after(self, moment: datetime) -> datetime:
        """When it fires next; the first time is one period after its creation."""
        return moment + timedelta(seconds=self.seconds)


@dataclass(frozen=True, slots=True)
class Cron:
    """`cron(minutes hours day-of-month month day-of-week year)`."""

    minutes: frozenset[int]
    hours: frozenset[int]
    days: frozenset[int]
    months: frozenset[int]
    weekdays: frozenset[int]
    years: frozenset[int]

    def next_after(self, moment: datetime) -> datetime | None:
        """The first match after a moment, or None if there is none for years."""
        start = (moment + timedelta(minutes=1)).replace(second=0, microsecond=0)
        for offset in range(_FARTHEST_DAYS):
            day = (start + timedelta(days=offset)).date()
            weekday = day.isoweekday() % 7 + 1  # 1 is Sunday
            if day.year not in self.years or day.month not in self.months:
                continue
            if day.day not in self.days or weekday not in self.weekdays:
                continue
            for hour in sorted(self.hours):
                for minute in sorted(self.minutes):
                    found = datetime(day.year, day.month, day.day, hour, minute, tzinfo=UTC)
                    if found >= start:
                        return found
        return None


def parse_schedule(expression: str) -> Rate | Cron:
    """A schedule expression.

    Raises:
        ValueError: it is none, or one that the local stack does not know (`L`, `W`, `#`, `at(…)`).
    """
    if found := re.fullmatch(r"rate\((\d+) (minute|hour|day)(s?)\)", expression):
        count, unit = int(found[1]), found[2]
        if count < 1 or (count == 1) == bool(found[3]):
            raise ValueError(f"{expression}: EventBridge wants 'rate(1 {unit})' or 'rate(2 {unit}s)'")
        return Rate(count * _UNITS[unit])
    found = re.fullmatch(r"cron\(([^)]*)\)", expression)
    fields = found[1].split() if found else []
    if len(fields) != _FIELDS:
        raise ValueError(f"{expression}: neither rate(…) nor cron(…) with six fields")
    if (fields[2] == "?") == (fields[4] == "?"):
        raise ValueError(f"{expression}: exactly one of day-of-month and day-of-week must be '?'")
    return Cron(
        _values(fields[0], 0, 59, {}),
        _values(fields[1], 0, 23, {}),
        _values(fields[2], 1, 31, {}),
        _values(fields[3], 1, 12, _MONTHS),
        _values(fields[4], 1, 7, _DAYS),
        _values(fields[5], 1970, 2199, {}),
    )


def _values(text: str, low: int, high: int, names: dict[str, int]) -> frozenset[int]:
    """The numbers that one field of a cron expression matches."""
    chosen: set[int] = set()
    for part in text.upper().split(","):
        span, _, step = part.partition("/")
        first, _, last = span.partition("-")
        if span in {"*", "?"}:
            begin, end = low, high
        else:
            begin = _number(first, names, text)
            end = _number(last, names, text) if last else (high if step else begin)
        if not low <= begin <= end <= high:
            raise ValueError(f"{text}: not within {low} and {high}")
        chosen.update(range(begin, end + 1, max(1, _number(step, {}, text)) if step else 1))
    return frozenset(chosen)


def _number(text: str, names: dict[str, int], field: str) -> int:
    if text in names:
        return names[text]
    if not text.isdecimal():
        raise ValueError(f"{field}: the local stack does not know {text!r} in a cron expression")
    return int(text)
