"""What is found about a configuration: errors, warnings with their names, notes."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from prowless.domain.wording import shown

MAX_PROBLEMS = 500
"""Findings that are kept of each level and name; a broken generator makes thousands of equal ones."""
MAX_TEXT = 2_000
"""Characters of one finding; names and contexts in it may have any length."""
MAX_ALL = 1024 * 1024
"""Characters of all findings of one level."""
_MAX_PLACE = 500

ERROR, WARNING, NOTE = "error", "warning", "note"
LEVELS = (ERROR, WARNING, NOTE)
"""Levels: unusable; valid, but not what its author meant; valid in Prow, and without an effect here."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One line about a configuration: `at` is `file:line`, `name` what `--exclude-warning` knows a warning by."""

    level: str
    text: str
    at: str = ""
    name: str = ""

    def __str__(self) -> str:
        """The place and the text."""
        return f"{self.at}: {self.text}" if self.at else self.text


@dataclass(slots=True)
class Problems:
    """What is wrong or has no effect, collected: one line each, with file and line.

    Strangers write most of what is told here, so each line is made fit to be shown, and number and size are bounded.
    """

    _found: dict[str, list[Finding]] = field(default_factory=lambda: {level: [] for level in LEVELS})
    _kept: dict[tuple[str, str], int] = field(default_factory=dict)
    _once: dict[tuple[str, str, str], tuple[str, int]] = field(default_factory=dict)
    _size: dict[str, int] = field(default_factory=dict)
    _left_out: dict[tuple[str, str], int] = field(default_factory=dict)

    @property
    def failed(self) -> bool:
        """Whether there is an error."""
        return bool(self._found[ERROR])

    def error(self, at: str, text: str) -> None:
        """Something that makes the configuration unusable."""
        self._add(Finding(level=ERROR, at=at, text=text))

    def warn(self, at: str, text: str, name: str) -> None:
        """Something that is valid and surely not meant so; its `name` is one of `warning_names`."""
        self._add(Finding(level=WARNING, at=at, text=text, name=name))

    def warn_once(self, at: str, text: str, name: str) -> None:
        """A warning that is the same in many places: one line for all of them."""
        self._count(WARNING, name, at, text)

    def note(self, at: str, text: str) -> None:
        """Something that is valid in Prow and has no effect here."""
        self._add(Finding(level=NOTE, at=at, text=text))

    def note_once(self, at: str, text: str) -> None:
        """A note that is the same in many places: one line for all of them."""
        self._count(NOTE, "", at, text)

    def findings(self) -> list[Finding]:
        """Everything: errors, warnings, notes; each with how many more there were than are kept."""
        found: list[Finding] = []
        for level, single in self._found.items():
            found += single
            for (other, name), count in self._left_out.items():
                if other == level:
                    more = f"{count} more {level}s like these are not listed"
                    found.append(Finding(level=level, name=name, text=more))
            found += [
                Finding(level=level, name=name, at=at, text=text + _places(count))
                for (other, name, text), (at, count) in self._once.items()
                if other == level
            ]
        return found

    def all_errors(self) -> list[str]:
        """The errors as lines."""
        return [str(finding) for finding in self.findings() if finding.level == ERROR]

    def all_warnings(self) -> list[str]:
        """The warnings and notes as lines."""
        return [str(finding) for finding in self.findings() if finding.level != ERROR]

    def lines(self, level: str) -> list[str]:
        """The findings of one level as lines."""
        return [str(finding) for finding in self.findings() if finding.level == level]

    def _add(self, finding: Finding) -> None:
        at, text = shown(finding.at, _MAX_PLACE), shown(finding.text, MAX_TEXT)
        if self._has_room(finding.level, finding.name, text):
            self._found[finding.level].append(replace(finding, at=at, text=text))

    def _count(self, level: str, name: str, at: str, text: str) -> None:
        text = shown(text, MAX_TEXT)
        known = self._once.get((level, name, text))
        if known or self._has_room(level, name, text):
            first, count = known or (shown(at, _MAX_PLACE), 0)
            self._once[level, name, text] = (first, count + 1)

    def _has_room(self, level: str, name: str, text: str) -> bool:
        """Whether one more is kept; what is not, is counted."""
        kind = (level, name)
        kept, size = self._kept.get(kind, 0) + 1, self._size.get(level, 0) + len(text)
        if kept > MAX_PROBLEMS or size > MAX_ALL:
            self._left_out[kind] = self._left_out.get(kind, 0) + 1
            return False
        self._kept[kind], self._size[level] = kept, size
        return True


def _places(count: int) -> str:
    return f" (in {count} places, this is the first)" if count > 1 else ""
