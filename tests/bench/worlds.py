"""What is measured: shards and sources of any size, and decisions from them."""

import gc
import json
from time import process_time

import re2

from prowless.adapters.config_files import parse_document
from prowless.domain import regex, triggers
from prowless.domain.config import snapshot
from prowless.domain.config.central import CentralConfig
from prowless.domain.config.compile import compile_sources
from prowless.domain.config.document import Sources
from prowless.domain.config.jobs import RepositoryConfig
from prowless.usecases.snapshots import SnapshotConfig, publish
from tests.fakes.clock import FixedClock
from tests.fakes.stores import MemoryObjects
from tests.unit.trigger_facts import FakeView, comment_event, presubmit, pull_event

REPOSITORY = "acme/app"
PUSHED = pull_event("synchronize")
ASKED = comment_event("/test pull-job-2")
SPEC = {
    "containers": [
        {
            "image": "registry.example/builder:1",
            "command": ["make"],
            "args": ["test", "VERBOSE=1"],
            "env": [{"name": f"OPTION_{number}", "value": "0123456789"} for number in range(5)],
            "resources": {"requests": {"cpu": "4", "memory": "8Gi"}},
        }
    ],
    "volumes": [{"name": "cache", "emptyDir": {}}],
}


def best(function, rounds=5):
    """The least CPU time of several calls, in milliseconds; other processes only ever add."""
    times = []
    gc.collect()
    for _ in range(rounds):
        start = process_time()
        function()
        times.append((process_time() - start) * 1000)
    return min(times)


def ratio(one, other, rounds=9):
    """The least CPU time of one over that of the other. They take turns, so that a busy minute strikes both."""
    least = [float("inf"), float("inf")]
    gc.collect()
    for _ in range(rounds):
        for at, function in enumerate((one, other)):
            start = process_time()
            function()
            least[at] = min(least[at], process_time() - start)
    return least[0] / least[1]


def shard(jobs, *, patterns=True, repository=REPOSITORY):
    """A repository where every second job starts by itself: each with a pattern of its own, or always."""
    made = []
    for number in range(jobs):
        own = rf"^(pkg/part{number}|cmd/tool{number}/(main|util)|api/v1\.{number})/.*\.go$|^go\.(mod|sum)$"
        rule = {"run_if_changed": own} if patterns else {"always_run": True}
        made.append(
            presubmit(
                f"pull-job-{number}",
                spec=SPEC,
                branches=("main",),
                decorate=True,
                decoration_config={"timeout": "2h"},
                source=f"jobs/app.yaml:{number}",
                **(rule if number % 2 else {}),
            )
        )
    return RepositoryConfig(repository=repository, presubmits=tuple(made))


def changed(number):
    """The names of changed files; no pattern of `shard` matches one."""
    return tuple(f"docs/area{at % 17}/some/folder/file{at}.md" for at in range(number))


FILES = changed(20)


def published(one, others=0):
    """A state bucket whose snapshot has that repository and others of 20 jobs each."""
    objects = MemoryObjects()
    more = [shard(20, repository=f"acme/other-{number}") for number in range(others)]
    publish(snapshot.build(CentralConfig(), (), [one, *more]), objects, {}, 1)
    return objects


def forget():
    """As a function that has just started: no pattern is compiled."""
    regex.forget()
    re2.purge()


def decide_cold(objects, event=PUSHED, files=FILES):
    """From the bucket's bytes to decisions, with nothing cached."""
    forget()
    config = SnapshotConfig(objects, FixedClock()).repository(REPOSITORY)
    return decide(config, event, files)


def decide(config, event=PUSHED, files=FILES):
    """Decisions from a shard that is read already."""
    verdict = triggers.decide(event, config, FakeView(files=files))
    if len(verdict.decisions) != len(config.presubmits):
        raise AssertionError(verdict.summary)
    return verdict


def raw_shard(one):
    """A shard's bytes."""
    return json.dumps(one.to_dict(), sort_keys=True, separators=(",", ":")).encode()


def read(data):
    """A shard's bytes as values."""
    return RepositoryConfig.from_dict(json.loads(data))


def job_files(number):
    """Texts of job files, ten jobs each."""
    return [
        "presubmits:\n  acme/app:\n"
        + "".join(
            f"  - name: pull-{file}-{job}\n    always_run: true\n    branches: [main]\n    labels: {{team: a}}\n"
            f"    spec:\n      containers:\n      - {{image: a, command: [make], args: [test, part-{job}]}}\n"
            for job in range(10)
        )
        for file in range(number)
    ]


def check(texts):
    """The files parsed, checked and compiled, as check-config does once it has read them."""
    return compile_sources(
        Sources(jobs=tuple(parse_document(f"jobs/{n}.yaml", text.encode()) for n, text in enumerate(texts)))
    )
