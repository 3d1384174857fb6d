"""What is found about a configuration: errors, warnings with their names, notes."""

from __future__ import annotations

from dataclasses import dataclass, field

MAX_PROBLEMS = 500
"""Findings that are kept of each level and name; a broken generator makes thousands of equal ones."""

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
    """What is wrong or has no effect, collected: one line each, with file and line."""

    _found: dict[str, list[Finding]] = field(default_factory=lambda: {level: [] for level in LEVELS})
    _kept: dict[tuple[str, str], int] = field(default_factory=dict)
    _once: dict[tuple[str, str, str], tuple[str, int]] = field(default_factory=dict)

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
            for (other, name), count in self._kept.items():
                if other == level and count > MAX_PROBLEMS:
                    more = f"{count - MAX_PROBLEMS} more {level}s like these are not listed"
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

    def _add(self, finding: Finding) -> None:
        kind = (finding.level, finding.name)
        self._kept[kind] = self._kept.get(kind, 0) + 1
        if self._kept[kind] <= MAX_PROBLEMS:
            self._found[finding.level].append(finding)

    def _count(self, level: str, name: str, at: str, text: str) -> None:
        first, count = self._once.get((level, name, text), (at, 0))
        self._once[level, name, text] = (first, count + 1)


def _places(count: int) -> str:
    return f" (in {count} places, this is the first)" if count > 1 else ""
