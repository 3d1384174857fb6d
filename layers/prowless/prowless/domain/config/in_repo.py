"""In-repo configuration: the jobs that a repository's own `.prow.yaml` or `.prow/` adds to those of the centre.

Pure: whoever calls has read the files from the tested tree. Both sides come out of the same builder.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from prowless.domain.config import warning_names
from prowless.domain.config.build import JobBuilder
from prowless.domain.config.decode import Reader, Struct, list_of, nearest, opaque, structure
from prowless.domain.config.document import Table
from prowless.domain.config.findings import Problems
from prowless.domain.config.patterns import MAX_OWN_PROGRAM, PatternBudget
from prowless.domain.config.schema import PRESET
from prowless.domain.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from prowless.domain.config.central import CentralConfig
    from prowless.domain.config.document import Document
    from prowless.domain.config.jobs import RepositoryConfig

MAX_JOBS = 1_000
"""Jobs of one repository's own configuration; a pull request can write any number."""

PROW_YAML = Struct(
    "in-repo configuration",
    {"presets": list_of(structure(PRESET)), "presubmits": opaque, "postsubmits": opaque, "prow_ignored": opaque},
)
_ALLOWED = "presubmits, postsubmits and presets"


def compile_in_repo(
    documents: Sequence[Document],
    central: CentralConfig,
    static: RepositoryConfig,
    *,
    problems: Problems | None = None,
) -> RepositoryConfig:
    """The repository's configuration: the static jobs, then those of its own files (`inrepoconfig.go:289-345,499`).

    Args:
        documents: `.prow.yaml`, or the files of `.prow/` in lexical order; none means the static jobs alone.
        central: whose presets, decoration defaults, job queues and allowed clusters hold for these jobs as well.
        static: the repository's jobs of the central configuration; names and contexts are compared with them.
        problems: collects the warnings, where somebody reads them.

    Raises:
        ConfigError: the files cannot be used; every problem with file and line, in Prow's words. Unlike Prow, keys
            that have no effect here (`periodics`, misspelt ones) are refused by name.
    """
    problems = problems if problems is not None else Problems()
    sections = [(document, _section(document, problems)) for document in documents]
    presets = [preset for _, section in sections for preset in section.get("presets") or ()]
    defaults = replace(central.defaults, presets=(*central.defaults.presets, *presets))
    _check_presets(sections, central, problems)
    builder = JobBuilder(
        defaults=defaults, problems=problems, patterns=PatternBudget(MAX_OWN_PROGRAM), configured=bool(central.clusters)
    )
    if _few_enough(sections, problems):
        for document, section in sections:
            builder.read_own(document, static.repository, section)
    own = (*builder.presubmits.get(static.repository, ()), *builder.postsubmits.get(static.repository, ()))
    for job in own:
        if not central.allows_in_repo(static.repository, job.cluster):
            problems.error(job.source, f'cluster "{job.cluster}" is not allowed for repository "{static.repository}"')
    for name, jobs in (("presubmits", static.presubmits), ("postsubmits", static.postsubmits)):
        present: dict[str, list[Any]] = getattr(builder, name)
        marked = [replace(job, in_repo=True) for job in present.get(static.repository, ())]
        present[static.repository] = [*jobs, *marked]
    builder.check_together()
    if problems.failed:
        raise ConfigError(problems.all_errors())
    return replace(
        static,
        presubmits=tuple(builder.presubmits[static.repository]),
        postsubmits=tuple(builder.postsubmits[static.repository]),
    )


def _section(document: Document, problems: Problems) -> dict[str, Any]:
    """A file's fields; an empty file has none. Keys that cannot have an effect are errors."""
    for warning in document.warnings:
        path, _, text = warning.partition(": ")
        problems.warn(path, text, warning_names.LOST)
    if document.data is None:
        return {}
    reader = Reader(document, problems)
    table = reader.table(document.data, document.path, PROW_YAML.name)
    if table is None:
        return {}
    known = Table(table.line)
    for key, value in table.items():
        if PROW_YAML.key(key) is not None:
            known[key] = value
            known.lines[key] = table.line_of(key)
        else:
            hint = nearest(key, [name for name in PROW_YAML.fields if name != "prow_ignored"])
            problems.error(document.at(table.line_of(key)), f"{key!r}: only {_ALLOWED} may stand here{hint}")
    return reader.struct(known, PROW_YAML, document.path)


def _check_presets(
    sections: Sequence[tuple[Document, Mapping[str, Any]]], central: CentralConfig, problems: Problems
) -> None:
    """A pair of label and value belongs to one preset, here or in the centre (`config.go:2015`)."""
    pairs = {pair for preset in central.defaults.presets for pair in (preset.get("labels") or {}).items()}
    for document, section in sections:
        for preset in section.get("presets") or ():
            for label, value in (preset.get("labels") or {}).items():
                if (label, value) in pairs:
                    problems.error(document.path, f"duplicated preset 'label:value' pair : {label}:{value}")
                pairs.add((label, value))


def _few_enough(sections: Sequence[tuple[Document, Mapping[str, Any]]], problems: Problems) -> bool:
    found = 0
    for document, section in sections:
        for kind in ("presubmits", "postsubmits"):
            jobs = section.get(kind)
            found += len(jobs) if isinstance(jobs, list) else 0
        if found > MAX_JOBS:
            problems.error(document.path, f"more than {MAX_JOBS} jobs in a repository's own configuration")
            return False
    return True
