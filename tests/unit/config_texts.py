import json

import pytest

from prowless.adapters.config_files import parse_document
from prowless.domain.config.central import CentralConfig
from prowless.domain.config.compile import compile_sources
from prowless.domain.config.document import Sources
from prowless.domain.config.jobs import RepositoryConfig
from prowless.domain.errors import ConfigError

SETTINGS = "clusters:\n  default: {server: https://k8s.example, engine: argo}\n"
SPEC = "{containers: [{image: busybox, command: [make]}]}"


def compiled(jobs="", config="", settings=SETTINGS, plugins=None):
    return compile_sources(
        Sources(
            config=parse_document("config.yaml", config.encode()),
            jobs=tuple(parse_document(f"jobs/{n}.yaml", text.encode()) for n, text in enumerate([jobs]) if text),
            plugins=parse_document("plugins.yaml", plugins.encode()) if plugins else None,
            settings=parse_document("prowless.yaml", settings.encode()),
        )
    )


def central(snapshot):
    return CentralConfig.from_dict(json.loads(snapshot.files["central.json"]))


def shard(snapshot, repository="acme/app"):
    return RepositoryConfig.from_dict(json.loads(snapshot.files[f"repos/{repository}.json"]))


def presubmits(*jobs, **parts):
    return compiled("presubmits:\n  acme/app:\n" + "".join(f"  - {job}\n" for job in jobs), **parts)


def only(snapshot):
    (job,) = shard(snapshot).presubmits
    return job


def problems(run, *args, **kwargs):
    with pytest.raises(ConfigError) as raised:
        run(*args, **kwargs)
    return raised.value.problems
