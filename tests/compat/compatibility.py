"""docs/compatibility.md from the registry: `python -m tests.compat.compatibility`.

The registry (registry/*.yaml) has each field, command, plugin and option of Prow: the tests that show its effect, or
why there is none. The facts (facts/*.yaml) are the names that Prow knows, and how often public configurations use them.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from textwrap import fill

import yaml

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
PAGE = ROOT / "docs" / "compatibility.md"

JOB_TYPES = ("presubmit", "postsubmit", "periodic")
ACCEPTED = {"jenkins": "Jenkins", "gerrit": "Gerrit", "gcs": "Google Cloud Storage only", "tide": "Tide"}
"""What a 'no' may be for without counting against the coverage."""
NEEDED = 0.995
"""The part of the other field occurrences that 'yes' has to cover: those of jobs, and all together."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One row of the registry: things of Prow (or ours) with one answer.

    `kinds` is what they are of: a struct of Prow's, or `command`, `event` and so on. `tests` are relative to tests/.
    `reason` is why there is a no, `category` whether it is one of those that the issue accepts.
    """

    area: str
    names: tuple[str, ...]
    kinds: tuple[str, ...]
    tests: tuple[str, ...] = ()
    reason: str = ""
    category: str = "other"
    ours: bool = False
    remark: str = ""
    source: str = ""

    @property
    def state(self) -> str:
        return "no" if self.reason else "ours" if self.ours else "yes"

    def covers(self, kind: str, name: str) -> bool:
        """Whether the row speaks for a thing; `tide.*` speaks for tide and everything below it."""
        return kind in self.kinds and any(
            name == own or (own.endswith(".*") and (name == own[:-2] or name.startswith(own[:-1])))
            for own in self.names
        )


def load(path):
    return yaml.load(path.read_text(), yaml.CSafeLoader)


@cache
def rows():
    """All rows, in the order of the files."""
    return tuple(row for path in sorted((HERE / "registry").glob("*.yaml")) for row in _rows(load(path)))


def _rows(sections):
    for section in sections:
        for item in [*section.get("items", ()), *_cases(section)]:
            given = dict(item)
            names = given.pop("names", None) or [given.pop("name")]
            tests = given.pop("tests", None) or [given.pop("test", None)]
            kinds = given.pop("of", section["of"])
            yield Row(
                area=section["area"],
                names=tuple(names),
                kinds=tuple(kinds) if isinstance(kinds, list) else (kinds,),
                tests=tuple(test for test in tests if test),
                **given,
            )


def _cases(section):
    """The rules of a file of cases, as rows: each case's name says its rule."""
    given = section.get("cases")
    if given is None:
        return
    cases = load(HERE / given["file"])
    for case in cases[given["part"]] if "part" in given else cases:
        yield {"name": case["rule"], "test": f"{given['test']}[{case['rule']}]", "source": given["source"]}


def row_of(kind, name):
    """The rows that speak for a thing: one, if the registry is right."""
    return [row for row in rows() if row.covers(kind, name)]


@cache
def fields():
    """Prow's fields by struct."""
    return {kind: tuple(names.split()) for kind, names in load(HERE / "facts" / "fields.yaml").items()}


@cache
def occurrences():
    """(kind, field) to how often it stands in public configurations; kind `job` is any type of job."""
    counted = load(HERE / "facts" / "occurrences.yaml")
    return {(kind, name): n for kind, names in counted.items() if kind != "not_prows" for name, n in names.items()}


@dataclass(frozen=True, slots=True, kw_only=True)
class Coverage:
    """Occurrences of fields: those with an effect, those without by name, and those that the issue leaves out."""

    yes: int
    no: dict[str, int]
    accepted: dict[str, int]

    @property
    def counted(self) -> int:
        return self.yes + sum(self.no.values())

    @property
    def share(self) -> float:
        return self.yes / self.counted


def coverage(kinds=None):
    """How much of what public configurations say has its effect; of some kinds only, if they are named."""
    yes, no, accepted = 0, Counter(), Counter()
    for (kind, name), n in occurrences().items():
        if kinds and kind not in kinds:
            continue
        row = row_of("presubmit" if kind == "job" else kind, name)[0]
        if row.state != "no":
            yes += n
        elif row.category in ACCEPTED:
            accepted[row.category] += n
        else:
            no[name if kind in (*JOB_TYPES, "job", "config") else f"{kind}.{name}"] += n
    return Coverage(yes=yes, no=dict(no.most_common()), accepted=dict(accepted))


# ---- the page -------------------------------------------------------------------------------------------------------

HEAD = """# Compatibility with Prow

Generated by `make compatibility` from the registry in `tests/compat/registry/`; a test fails if this page is not what
the registry says. *Yes* means by Prow's rules, and the test that is named shows the effect, not only that the field is
read. *No* means that it has none, with the reason; `prowless check-config` warns of such fields. *Ours* is not in Prow.
Where Prowless differs on purpose, and how its merge queue works, is in [differences.md](differences.md).

Compared with kubernetes-sigs/prow a619408973827f5a8846fc61b4731156bde5fb0c. Tests are named relative to `tests/`.
"""


def page():
    """docs/compatibility.md."""
    areas = dict.fromkeys(row.area for row in rows())
    tables = (f"## {area}\n\n{_table([row for row in rows() if row.area == area])}" for area in areas)
    return "\n".join([HEAD, _summary(), *tables])


def _summary():
    states = Counter()
    for kind, names in fields().items():
        for name in names:
            states[row_of(kind, name)[0].state] += 1
    every, jobs = coverage(), coverage((*JOB_TYPES,))
    misses = ", ".join(f"`{name}` {n:,}" for name, n in _joined(every.no).most_common())
    left_out = ", ".join(f"{ACCEPTED[category]} {n:,}" for category, n in every.accepted.items())
    rules = sum(len(row.names) for row in rows() if row.kinds == ("rule",))
    jobs_share, every_share = _percent(jobs.share), _percent(every.share)
    points = [
        f"""Public configurations of about 25 Prow installations were counted: 18,463 jobs and 25 `config.yaml`, in
        autumn 2026 (`tests/compat/facts/occurrences.yaml`). Of {jobs.counted:,} occurrences of fields in jobs,
        **{jobs_share}** have their effect here.""",
        f"""With the fields below those (of `decoration_config`, `extra_refs`, PodSpecs and so on) and those of
        `config.yaml` it is {every_share} of {every.counted:,}. Left out: {left_out}.""",
        f"What is missing, with the fields below each: {misses}.",
        f"""Of the {sum(states.values())} fields that Prow's configuration files can have, however rare,
        {states["yes"]} have their effect. Most of the others are options of plugins, of Tide and of the dashboard.""",
        f"{rules} rules of triggering, trust, periodics, configuration and validation have a test each, named below.",
    ]
    return "## Measured\n\n" + "".join(
        fill(" ".join(point.split()), 118, initial_indent="- ", subsequent_indent="  ", break_on_hyphens=False) + "\n"
        for point in points
    )


def _joined(missing):
    """Counts with those of fields below added to the field that they belong to."""
    joined = Counter()
    for name, n in missing.items():
        parts = name.split(".")
        above = (".".join(parts[:end]) for end in range(1, len(parts)))
        joined[next((owner for owner in above if owner in missing), name)] += n
    return joined


def _percent(share):
    return f"{int(share * 10000) / 100:.2f} %"


def _table(found):
    if found[0].kinds == ("rule",):
        lines = ["| Rule | In Prow | Shown by |", "|---|---|---|"]
        lines += [f"| {_sentence(row.names[0])} | {_cell(row.source)} | {_shown(row)} |" for row in found]
    else:
        lines = ["| Prow's | | Remarks | Shown by |", "|---|---|---|---|"]
        lines += [f"| {_named(row)} | {row.state} | {_remark(row)} | {_shown(row)} |" for row in found]
    return "\n".join(lines) + "\n"


def _named(row):
    # Sentences are no code, commands are.
    spoken = (_sentence(name) if " " in name and name[0] != "/" else f"`{_cell(name)}`" for name in row.names)
    names = ", ".join(spoken)
    some = [kind for kind in row.kinds if kind in JOB_TYPES]
    return f"{names} ({', '.join(some)})" if some and len(some) < len(JOB_TYPES) else names


def _remark(row):
    category = f"{ACCEPTED[row.category]}: " if row.category in ACCEPTED else ""
    return _cell(f"{category}{row.reason} {row.remark}".strip())


def _shown(row):
    return "<br>".join(f"`{_cell(test)}`" for test in row.tests)


def _sentence(text):
    return _cell(text if "`" in text else text.replace("*", "\\*"))


def _cell(text):
    return text.replace("|", "\\|").replace("\n", " ")


if __name__ == "__main__":
    PAGE.write_text(page())
