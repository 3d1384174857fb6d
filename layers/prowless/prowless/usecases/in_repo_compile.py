"""From the text of a repository's own files to jobs. Apart, because few events need a YAML parser."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from prowless.domain.config.findings import Problems
from prowless.domain.config.in_repo import compile_in_repo
from prowless.domain.errors import ConfigError
from prowless.domain.view import InRepoConfig

if TYPE_CHECKING:
    from collections.abc import Mapping

    from prowless.domain.config.central import CentralConfig
    from prowless.domain.config.document import Document
    from prowless.domain.config.jobs import RepositoryConfig
    from prowless.ports.config import DocumentParser

MAX_NODES = 200_000
"""Values of all files with their aliases expanded."""
MAX_COMPILED = 8 * 1024 * 1024
"""Bytes of the jobs as they are kept; aliases and presets repeat what they name."""


def compile_files(
    files: Mapping[str, bytes], central: CentralConfig, static: RepositoryConfig, *, parse: DocumentParser
) -> InRepoConfig:
    """The static jobs with those of the files, or the static ones alone and what is wrong with the files.

    Args:
        files: path to content.
        central: whose presets, defaults and allowed clusters hold here as well.
        static: the repository's jobs of the central configuration.
        parse: reads one file.
    """
    documents: list[Document] = []
    refused: list[str] = []
    left = MAX_NODES
    for path, data in sorted(files.items()):
        try:
            documents.append(parse(path, data, max_nodes=left))
            left -= documents[-1].nodes
        except ConfigError as error:
            refused += error.problems
    problems = Problems()
    if refused:
        return InRepoConfig(config=static, problems=tuple(refused), present=True)
    try:
        config = compile_in_repo(documents, central, static, problems=problems)
        _check_size(config)
    except ConfigError as error:
        return InRepoConfig(config=static, problems=error.problems, notes=tuple(problems.all_warnings()), present=True)
    return InRepoConfig(config=config, notes=tuple(problems.all_warnings()), present=True)


def _check_size(config: RepositoryConfig) -> None:
    size = 0
    for job in (*config.presubmits, *config.postsubmits):
        if not job.in_repo:
            continue
        for part in json.JSONEncoder().iterencode(job.to_dict()):
            size += len(part)
            if size > MAX_COMPILED:
                raise ConfigError(
                    [f"{job.source}: with presets and aliases expanded, the jobs are larger than {MAX_COMPILED} bytes"]
                )
