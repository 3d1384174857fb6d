"""Jobs to render, and what Kubernetes does with the result."""

from __future__ import annotations

import re
from typing import Any

from prowless.domain.clusters import Cluster
from prowless.domain.prowjob import ProwJob, ProwJobSpec, header
from prowless.domain.refs import JobType, Pull, Refs

PROWJOB = "8c5f0a3e-1111-2222-3333-444455556666"
BUILD_ID = "7507788800000000001"
PULL = Pull(number=7, author="ada", sha="a" * 40, title="Add sums", head_ref="sums")
REFS = Refs(org="acme", repo="app", base_ref="main", base_sha="b" * 40, pulls=(PULL,))
TOOLS = Refs(org="acme", repo="tools", base_ref="release/1.2", path_alias="example.org/tools")
CLUSTER = Cluster(alias="default", server="https://k8s.example.org", namespace="test-pods")
ONE = {"containers": [{"image": "python:3.13", "command": ["sh", "-c"], "args": ["make test"]}]}
TWO = {"containers": [{"name": "db", "image": "postgres:17"}, {"name": "tests", "image": "python:3.13"}]}
TITLES = [
    "plain",
    "Fix {{ workflow.name }} and {{=1+1}}",
    "{{{{ four",
    "costs $5, $(HOME), $$, $$(HOME) and $(params.secret)",
    "${{ github.token }}",
    'quotes " and \\ and é',
]


def spec(**fields: Any) -> ProwJobSpec:
    given = {"type": JobType.PRESUBMIT, "job": "unit", "context": "ci/unit", "refs": REFS, "pod_spec": ONE}
    return ProwJobSpec(**(given | fields))


def job(of: ProwJobSpec) -> ProwJob:
    return header(of, prowjob=PROWJOB, build_id=BUILD_ID, cause="c", delivery="d", created_at=1)


def titled(title: str) -> Refs:
    pull = Pull(number=7, author="ada", sha="a" * 40, title=title, head_ref="sums")
    return Refs(org="acme", repo="app", base_ref="main", base_sha="b" * 40, pulls=(pull,))


def expand(text: str, values: dict[str, str]) -> str:
    """What the kubelet makes of a text: `$(NAME)` for known names, `$$` for a dollar (`expansion.Expand`)."""
    pattern = re.compile(r"\$(?:(?P<dollar>\$)|\((?P<name>[^)]*)\))")
    return pattern.sub(lambda m: "$" if m["dollar"] else values.get(m["name"], m[0]), text)


def environment_of(container: dict[str, Any]) -> dict[str, str]:
    """The variables that the container's process sees."""
    values: dict[str, str] = {}
    for entry in container["env"]:
        values[entry["name"]] = expand(str(entry.get("value", "")), values)
    return values
