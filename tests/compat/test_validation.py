"""Prow's refusals, case by case from validation.yaml."""

from pathlib import Path

import pytest
import yaml

from prowless.adapters.config_files import parse_document
from prowless.domain.config.compile import compile_sources
from prowless.domain.config.document import Sources
from prowless.domain.errors import ConfigError

CASES = yaml.safe_load(Path(__file__).with_name("validation.yaml").read_text())
SPEC = {"containers": [{"args": ["x"]}]}


def jobs_of(case):
    """The job file of a case, as text."""
    if "jobs" in case:
        return case["jobs"]
    (kind,) = case.keys() & {"presubmit", "postsubmit", "periodic"}
    job = case[kind] if case[kind].keys() & {"agent", "spec"} else {**case[kind], "spec": SPEC}
    return yaml.safe_dump({f"{kind}s": [job] if kind == "periodic" else {"acme/app": [job]}})


@pytest.mark.parametrize("case", CASES, ids=[case["rule"] for case in CASES])
def test_prow_refuses(case):
    sources = Sources(
        config=parse_document("config.yaml", case.get("config", "").encode()),
        jobs=(parse_document("jobs.yaml", jobs_of(case).encode()),),
    )
    try:
        compile_sources(sources)
        found = ()
    except ConfigError as error:
        found = error.problems
    unexpected = [problem for problem in found if not any(wanted in problem for wanted in case["problems"])]
    missing = [wanted for wanted in case["problems"] if not any(wanted in problem for problem in found)]
    assert (missing, unexpected) == ([], [])
