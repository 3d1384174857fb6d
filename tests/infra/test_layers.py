"""The layers: locked, hashed, as tested, nothing twice."""

import importlib.metadata
import re
import subprocess
from pathlib import Path

import pytest

from tests.infra.layers import LAMBDAS_OWN, layer_pins, pins
from tests.infra.templates import ROOT, resources, template

LOCKED_LAYERS = ("runtime", "kube")
LAYERS = resources("AWS::Serverless::LayerVersion")
ASYNC = {
    *("aiohttp", "aiohttp-retry", "aiohappyeyeballs", "aiosignal", "attrs"),
    *("frozenlist", "multidict", "propcache", "yarl"),
}
"""Only kubernetes.aio imports these, and the layer's Makefile deletes it."""

LOCKS = ["requirements/dev.lock", "requirements/sam.lock", "requirements/uv.lock"] + [
    f"layers/{layer}/requirements.txt" for layer in LOCKED_LAYERS
]


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def _named(path: str) -> set[str]:
    lines = (ROOT / path).read_text().splitlines()
    return {_normal(re.split(r"[\[=<>~ ]", line)[0]) for line in lines if line and not line.startswith(("#", "-"))}


def _needs(distribution: str) -> set[str]:
    """What a distribution needs here, without extras."""
    texts = [text for text in importlib.metadata.requires(distribution) or [] if "extra ==" not in text]
    texts = [text for text in texts if "python_version <" not in text and "win32" not in text]
    return {_normal(re.split(r"[\[=<>~!; (]", text)[0]) for text in texts}


@pytest.mark.parametrize("path", LOCKS)
def test_a_lock_file_pins_by_hash_and_names_no_registry(path: str) -> None:
    found = pins(path)
    assert found
    assert all("--hash=sha256:" in rest for _, rest in found.values())
    text = (ROOT / path).read_text()
    assert "://" not in text
    assert "index-url" not in text


@pytest.mark.parametrize("layer", LOCKED_LAYERS)
def test_a_layer_ships_the_versions_that_the_tests_ran_with(layer: str) -> None:
    tested = pins("requirements/dev.lock")
    assert {name: version for name, (version, _) in layer_pins(layer).items()} == {
        name: tested[name][0] for name in layer_pins(layer)
    }


@pytest.mark.parametrize("layer", LOCKED_LAYERS)
def test_a_layer_is_locked_after_its_requirements_changed(layer: str) -> None:
    assert _named(f"layers/{layer}/requirements.in") <= set(layer_pins(layer))


def test_no_library_is_in_two_layers() -> None:
    """Of two copies the later layer's wins, whatever its version."""
    assert not layer_pins("runtime").keys() & layer_pins("kube").keys()


def test_boto3_is_left_to_lambda() -> None:
    shipped = layer_pins("runtime").keys() | layer_pins("kube").keys()
    assert not shipped & {"boto3", "botocore", "s3transfer"}


def test_the_kube_layer_is_whole_but_for_what_only_its_deleted_half_needs() -> None:
    shipped = layer_pins("runtime").keys() | layer_pins("kube").keys()
    assert not shipped & ASYNC
    for name in layer_pins("kube"):
        assert _needs(name) <= shipped | ASYNC | LAMBDAS_OWN, name
    assert "kubernetes/aio" in (ROOT / "layers/kube/Makefile").read_text()


@pytest.mark.parametrize("name", sorted(LAYERS))
def test_a_layer_is_built_for_lambdas_processor_by_its_makefile(name: str) -> None:
    layer = LAYERS[name]
    metadata = template()["Resources"][name]["Metadata"]
    assert metadata == {"BuildMethod": "makefile", "BuildArchitecture": "arm64"}
    assert layer["CompatibleArchitectures"] == template()["Globals"]["Function"]["Architectures"] == ["arm64"]
    assert layer["CompatibleRuntimes"] == [template()["Globals"]["Function"]["Runtime"]]
    assert f"\nbuild-{name}:" in (ROOT / layer["ContentUri"] / "Makefile").read_text()


@pytest.mark.parametrize("layer", LOCKED_LAYERS)
def test_a_layer_takes_wheels_for_lambda_only(layer: str) -> None:
    makefile = (ROOT / f"layers/{layer}/Makefile").read_text()
    for option in ("--require-hashes", "--only-binary=:all:", "--no-deps", "--python-version 3.13"):
        assert option in makefile
    assert set(re.findall(r"--platform (\S+)", makefile)) == {"manylinux2014_aarch64", "manylinux_2_28_aarch64"}


def test_our_own_layer_is_built_without_python_3_13_and_says_so(tmp_path: Path) -> None:
    built = subprocess.run(
        ["make", "-C", ROOT / "layers/prowless", "build-ProwlessLayer", f"ARTIFACTS_DIR={tmp_path}", "PYTHON313=none"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert "without bytecode" in built.stdout
    source = ROOT / "layers/prowless/prowless"
    expected = {path.relative_to(source) for path in source.rglob("*.py")}
    assert {path.relative_to(tmp_path / "python/prowless") for path in tmp_path.rglob("*.py")} == expected
    assert not list(tmp_path.rglob("__pycache__"))
