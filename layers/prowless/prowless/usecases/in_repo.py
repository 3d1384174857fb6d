"""In-repo configuration of a commit: read from GitHub once for each content, and kept compiled.

config/in-repo/<snapshot>/<org>/<repo>/<SHA of .prow's tree or .prow.yaml's blob>.json
"""

from __future__ import annotations

import json
from collections import OrderedDict
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from prowless.domain.config.jobs import Postsubmit, Presubmit
from prowless.domain.errors import ConfigError, NotFoundError, PermanentError
from prowless.domain.view import InRepoConfig
from prowless.usecases.in_repo_files import FOLDER, InRepoFiles, check_sizes, find, job_files, rule_files

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from prowless.domain.config.jobs import RepositoryConfig
    from prowless.ports.config import ConfigSource, IgnoreRules, InRepoCompiler
    from prowless.ports.github import TreeEntry, Trees
    from prowless.ports.stores import Objects

SCHEMA = 1
"""Version of what is kept; another one's is compiled anew."""

_CACHED_BYTES = 16 * 1024 * 1024
"""Of what was read, in memory as in the bucket; values take a few times as much."""


@dataclass(frozen=True, slots=True, kw_only=True)
class InRepoTrees:
    """Commits of one repository under one snapshot."""

    configs: InRepoConfigs
    static: RepositoryConfig
    snapshot: str

    def at(self, sha: str) -> InRepoConfig:
        """See InRepoConfigs."""
        return self.configs.at(self.static, self.snapshot, sha)

    def unmerged(self, head_sha: str) -> InRepoConfig:
        """See InRepoConfigs."""
        return self.configs.unmerged(self.static, head_sha)


class InRepoConfigs:
    """Reads repositories' own configuration. A tree whose files are known costs one call."""

    def __init__(
        self,
        *,
        github: Trees,
        objects: Objects,
        config: ConfigSource,
        compile_files: InRepoCompiler,
        ignore_rules: IgnoreRules,
    ) -> None:
        """`objects` is the state bucket; `compile_files` loads what it needs when it is called first."""
        self._github = github
        self._objects = objects
        self._config = config
        self._compile = compile_files
        self._ignore_rules = ignore_rules
        self._cache: OrderedDict[str, dict[str, Any]] = OrderedDict()
        self._sizes: dict[str, int] = {}

    def of(self, static: RepositoryConfig, snapshot: str) -> InRepoTrees:
        """The trees of one repository. `snapshot` is the hash of the snapshot that `static` is from."""
        return InRepoTrees(configs=self, static=static, snapshot=snapshot)

    def at(self, static: RepositoryConfig, snapshot: str, sha: str) -> InRepoConfig:
        """The static jobs with those of the files in a commit's tree.

        Args:
            static: the repository's jobs of the central configuration.
            snapshot: the hash of the snapshot that `static` is from.
            sha: the commit.

        Raises:
            RetryableError: GitHub or S3 failed. What GitHub refuses for good, or files that cannot be used, are in the
                answer, for the static jobs do not depend on them.
        """
        try:
            files = find(self._github.entries(static.repository, sha))
        except NotFoundError:
            return InRepoConfig(config=static, unknown=f"GitHub has no tree of {sha}")
        except PermanentError as error:
            return InRepoConfig(config=static, unknown=f"the tree of {sha} cannot be read: {error}")
        if not files.key:
            return InRepoConfig(config=static, notes=files.notes)
        try:
            known = self._known(static, snapshot, sha, files)
        except PermanentError as error:
            problem = f"the files cannot be read: {error}"
            return InRepoConfig(config=static, problems=(problem,), notes=files.notes, present=True)
        return InRepoConfig(
            config=replace(
                static,
                presubmits=(*static.presubmits, *known["presubmits"]),
                postsubmits=(*static.postsubmits, *known["postsubmits"]),
            ),
            problems=tuple(known["problems"]),
            notes=(*files.notes, *known["notes"]),
            present=True,
        )

    def unmerged(self, static: RepositoryConfig, head_sha: str) -> InRepoConfig:
        """The static jobs of a pull that has no test merge. Whether it has such files is told by its head's tree."""
        try:
            present = bool(find(self._github.entries(static.repository, head_sha)).key)
        except PermanentError:
            present = False
        unknown = f"there is no merge of {head_sha} whose files could be read"
        return InRepoConfig(config=static, unknown=unknown, present=present)

    def _known(self, static: RepositoryConfig, snapshot: str, sha: str, files: InRepoFiles) -> dict[str, Any]:
        key = f"config/in-repo/{snapshot}/{static.repository}/{files.key}.json"
        if key in self._cache:
            self._cache.move_to_end(key)
            return self._cache[key]
        data = self._objects.get(key) or b"{}"
        record = json.loads(data)
        if record.get("schema") != SCHEMA:
            record = self._compiled(static, sha, files)
            if self._config.snapshot() != snapshot:
                # The snapshot was replaced meanwhile, and its successor's presets may be in here.
                return _decoded(record)
            data = json.dumps(record, separators=(",", ":"), ensure_ascii=False).encode()
            self._objects.put(key, data, "application/json")
        found = _decoded(record)
        self._remember(key, found, len(data))
        return found

    def _remember(self, key: str, found: dict[str, Any], size: int) -> None:
        self._cache[key] = found
        self._sizes[key] = size
        while sum(self._sizes.values()) > _CACHED_BYTES:
            oldest, _ = self._cache.popitem(last=False)
            del self._sizes[oldest]

    def _compiled(self, static: RepositoryConfig, sha: str, files: InRepoFiles) -> dict[str, Any]:
        notes: list[str] = []
        central = self._config.central()
        try:
            contents = self._contents(static.repository, sha, files, notes)
            found = self._compile(contents, central, static)
        except ConfigError as error:
            found = InRepoConfig(config=static, problems=error.problems)
        return {
            "schema": SCHEMA,
            "presubmits": [job.to_dict() for job in found.config.presubmits if job.in_repo],
            "postsubmits": [job.to_dict() for job in found.config.postsubmits if job.in_repo],
            "problems": list(found.problems),
            "notes": [*notes, *found.notes],
        }

    def _contents(self, repository: str, sha: str, files: InRepoFiles, notes: list[str]) -> dict[str, bytes]:
        """Path to content of the files that count.

        Raises:
            ConfigError: they are too many or too large, or a `.prowignore` cannot be used.
        """
        chosen = [files.file] if files.file else []
        if files.folder:
            below = [
                replace(entry, path=f"{FOLDER}/{entry.path}")
                for entry in self._github.entries(repository, files.folder, recursive=True)
            ]
            rules = [files.ignore] if files.ignore else []
            rules += rule_files(below)
            check_sizes(rules)
            chosen, links = job_files(below, self._read(repository, sha, rules), self._ignore_rules)
            notes += links
        check_sizes(chosen)
        return self._read(repository, sha, chosen)

    def _read(self, repository: str, sha: str, files: Iterable[TreeEntry]) -> dict[str, bytes]:
        return {entry.path: self._github.contents(repository, entry.path, sha) for entry in files}


def _decoded(record: Mapping[str, Any]) -> dict[str, Any]:
    return {
        **record,
        "presubmits": [Presubmit.from_dict(job) for job in record["presubmits"]],
        "postsubmits": [Postsubmit.from_dict(job) for job in record["postsubmits"]],
    }
