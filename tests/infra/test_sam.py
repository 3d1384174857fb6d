"""What the SAM CLI makes of our files; it lives in .venv-sam, which `make test` installs."""

import json
import os
import re
import shutil
import struct
import subprocess
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from tests.infra.templates import ROOT, functions, template

SAM = ROOT / ".venv-sam/bin/sam"
pytestmark = pytest.mark.skipif(not SAM.exists(), reason="the SAM CLI is not installed: make setup")

FILES = ("samconfig.toml", "samplesconfig.toml")
AARCH64 = 183
UNZIPPED_LIMIT = 250 * 2**20
"""Lambda's, for a function and all its layers."""


@cache
def _read_all() -> dict[str, dict[str, Any]]:
    done = subprocess.run(
        [SAM.with_name("python"), ROOT / "tests/infra/read_sam_configuration.py", *(ROOT / file for file in FILES)],
        cwd=ROOT,
        env=os.environ | {"SAM_CLI_TELEMETRY": "0"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def _read(file: str) -> dict[str, Any]:
    return _read_all()[file]


def _objections(parameter: dict[str, Any], value: str) -> list[str]:
    """What CloudFormation would say about a value; a list's pattern is for each of its elements."""
    values = value.split(",") if parameter["Type"] == "CommaDelimitedList" else [value]
    found = []
    if pattern := parameter.get("AllowedPattern"):
        found += [f"{one} does not match {pattern}" for one in values if not re.fullmatch(pattern, one)]
    if (allowed := parameter.get("AllowedValues")) and value not in map(str, allowed):
        found.append(f"{value} is not one of {allowed}")
    if len(value) > parameter.get("MaxLength", len(value)):
        found.append(f"{value} is too long")
    if parameter["Type"] == "Number" and not parameter.get("MinValue", 0) <= int(value) <= parameter.get(
        "MaxValue", int(value)
    ):
        found.append(f"{value} is out of range")
    return found


@pytest.mark.parametrize("file", FILES)
def test_sam_reads_every_environment(file: str) -> None:
    found = _read(file)
    for name, options in found.items():
        if " " in name:
            assert options["unknown"] == [], name
        else:
            assert options["sections"] == ["build", "deploy", "validate"], name


def test_the_environments_are_the_documented_ones() -> None:
    names = {file: {name for name in _read(file) if " " not in name} for file in FILES}
    assert names == {"samconfig.toml": {"default"}, "samplesconfig.toml": {"dev", "prod", "private-cluster"}}


def test_builds_are_cached_and_parallel_and_validation_lints() -> None:
    for file in FILES:
        for name, options in _read(file).items():
            if name.endswith(" build"):
                assert options["options"] == {"cached": True, "parallel": True}, name
            if name.endswith(" validate"):
                assert options["options"]["lint"] is True, name


@pytest.mark.parametrize("file", FILES)
def test_deployments_name_parameters_of_the_template_within_their_bounds(file: str) -> None:
    parameters = template()["Parameters"]
    for name, options in _read(file).items():
        if name.endswith(" deploy"):
            for key, value in options["options"].get("parameter_overrides", {}).items():
                assert _objections(parameters[key], value) == [], (name, key)


def test_the_defaults_are_within_their_own_bounds() -> None:
    for name, parameter in template()["Parameters"].items():
        assert _objections(parameter, str(parameter["Default"])) == [], name


@pytest.mark.parametrize(
    ("name", "bad"),
    [
        ("GitHubApiUrl", "http://github.example.com"),
        ("GitHubApiUrl", "https://api.github.com/"),
        ("GitHubSecretArn", "ghp_this_is_a_token_and_no_arn"),
        ("ConfigSources", "example-org/ci-config"),
        ("ClusterAccounts", "1234"),
        ("ClusterSubnets", "vpc-0123456789abcdef0"),
        ("ArtifactsBucketName", "s3://bucket"),
        ("LogRetentionDays", "31"),
        ("ArtifactsRetentionDays", "0"),
    ],
)
def test_mistakes_in_parameters_are_refused(name: str, bad: str) -> None:
    assert _objections(template()["Parameters"][name], bad)


def _python_with_pip() -> str:
    for python in (str(ROOT / ".venv-uv/bin/python"), "python3"):
        found = shutil.which(python)
        if (
            found
            and subprocess.run([found, "-m", "pip", "--version"], capture_output=True, check=False).returncode == 0
        ):
            return found
    pytest.skip("no Python with pip here: make setup")


def _machine_of(library: Path) -> int:
    """The processor an ELF file is for."""
    (processor,) = struct.unpack_from("<H", library.read_bytes(), 18)
    return processor


def test_sam_builds_what_lambda_takes_without_docker_or_account(tmp_path: Path) -> None:
    done = subprocess.run(
        [SAM, "build", "--build-dir", tmp_path / "build", "--cache-dir", tmp_path / "cache"],
        cwd=ROOT,
        env=os.environ | {"SAM_CLI_TELEMETRY": "0", "PYTHON": _python_with_pip(), "PYTHON313": "none"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr

    layers = [tmp_path / "build" / name for name in ("ProwlessLayer", "RuntimeLayer", "KubeLayer")]
    libraries = [library for layer in layers for library in layer.rglob("*.so*")]
    assert {_machine_of(library) for library in libraries} == {AARCH64}
    assert any("_re2" in library.name for library in libraries)
    assert (layers[2] / "python/kubernetes/client").is_dir()
    assert not (layers[2] / "python/kubernetes/aio").exists()

    size = sum(path.stat().st_size for layer in layers for path in layer.rglob("*") if path.is_file())
    assert size < UNZIPPED_LIMIT / 2, "bytecode doubles it"
    built = (tmp_path / "build/template.yaml").read_text()
    assert built.count("SkipBuild: true") == len(functions())
