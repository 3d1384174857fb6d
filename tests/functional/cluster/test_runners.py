"""Runners: what they make of a container."""

from __future__ import annotations

import os
import stat
import threading
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.functional.cluster.kube import Kube

from prowless_local.clock import WallClock
from prowless_local.cluster import ContainerPlan, ContainerRunner, EmbeddedCluster, EngineMissingError, Exit
from prowless_local.cluster.container_runner import container_name, run_command, run_environment
from prowless_local.cluster.logs import LogFile
from prowless_local.cluster.rewriting import PathRewriter
from prowless_local.cluster.runners import Mount, output_mounts

LOGS = PathRewriter([("/logs", Path("/s/l")), ("/logs/artifacts/", Path("/s/a")), ("/go", Path("/s/g"))])


@pytest.mark.parametrize(
    ("text", "rewritten"),
    [
        ("/logs", "/s/l"),
        ("/logs/", "/s/l/"),
        ("/logs/build.txt", "/s/l/build.txt"),
        ("/logs/artifacts/x", "/s/a/x"),
        ("/logs/artifacts2/x", "/s/l/artifacts2/x"),
        ("a=/logs:/go b='/go/x' \"/go\" >/logs/y;/go/bin/z", "a=/s/l:/s/g b='/s/g/x' \"/s/g\" >/s/l/y;/s/g/bin/z"),
        ("file:///go/repo", "file:///s/g/repo"),
        ("ls /go.", "ls /s/g."),
        ("/logs-old /logs.txt /logs_x /logsx", "/logs-old /logs.txt /logs_x /logsx"),
        (
            "x/logs ./go ../go ~/go $HOME/go ${X}/go $(pwd)/go //go",
            "x/logs ./go ../go ~/go $HOME/go ${X}/go $(pwd)/go //go",
        ),
        ("https://host/go/x", "https://host/go/x"),
        ("*/go", "*/go"),
    ],
)
def test_paths_are_rewritten_at_their_boundaries(text: str, rewritten: str) -> None:
    assert LOGS.text(text) == rewritten


def test_a_path_is_found_below_its_longest_mount() -> None:
    assert LOGS.path("/logs/artifacts/../artifacts//x") == "/s/a/x"
    assert LOGS.path("/logs/x") == "/s/l/x"
    assert LOGS.path("/golang") is None
    assert LOGS.path("/") is None


def test_the_root_is_never_rewritten() -> None:
    assert PathRewriter([("/", Path("/s"))]).text("/bin/sh /") == "/bin/sh /"


@given(st.text(alphabet="/ago.-$:'\" ", max_size=30))
def test_rewriting_leaves_what_has_no_mount_path_alone(text: str) -> None:
    rewritten = LOGS.text(text)
    assert ("/s/g" in rewritten) <= ("/go" in text)
    if "/go" not in text:
        assert rewritten == text


def plan(tmp_path: Path, *, open_log: bool = False, **fields: object) -> ContainerPlan:
    log = LogFile(tmp_path / "log", WallClock())
    if not open_log:
        log.close()
    defaults: dict[str, object] = {
        "namespace": "ns",
        "pod": "pod",
        "container": "c",
        "image": "busybox:1",
        "root": tmp_path / "root",
        "home": tmp_path / "home",
        "log": log,
    }
    return ContainerPlan(**{**defaults, **fields})  # type: ignore[arg-type]


def test_a_container_runs_with_its_mounts_and_environment(tmp_path: Path) -> None:
    made = plan(
        tmp_path,
        command=("sh", "-c"),
        args=("echo $X",),
        env={"X": "secret", "PATH": "/bin", "DOCKER_HOST": "tcp://inner", "https_proxy": "p"},
        working_dir="/data",
        mounts=(
            Mount(container_path="/data/", local=tmp_path / "w"),
            Mount(container_path="/conf", local=tmp_path / "c", read_only=True),
        ),
    )
    argv = run_command("docker", made)
    assert argv == [
        "docker", "run", "--rm", "--name", container_name(made),
        "--volume", f"{tmp_path}/w:/data",
        "--volume", f"{tmp_path}/c:/conf:ro",
        "--env", "DOCKER_HOST=tcp://inner",
        "--env", "PATH=/bin",
        "--env", "X",
        "--env", "https_proxy=p",
        "--workdir", "/data",
        "--entrypoint", "sh",
        "busybox:1", "-c", "echo $X",
    ]  # fmt: skip
    environment = run_environment(made)
    assert environment["X"] == "secret"
    assert environment.get("DOCKER_HOST") == os.environ.get("DOCKER_HOST")
    assert environment["PATH"] == os.environ["PATH"]


def test_a_container_without_a_command_runs_its_images_entrypoint(tmp_path: Path) -> None:
    argv = run_command("podman", plan(tmp_path, args=("--version",)))
    assert argv[0] == "podman"
    assert "--entrypoint" not in argv
    assert argv[-2:] == ["busybox:1", "--version"]


def test_declared_outputs_are_caught_by_a_mount_over_their_directory(tmp_path: Path) -> None:
    outputs = output_mounts(("/tmp/a.txt", "/tmp/b.txt", "/out/c"), tmp_path / "o")
    made = plan(tmp_path, outputs=outputs)
    argv = run_command("docker", made)
    assert [argv[i + 1] for i, item in enumerate(argv) if item == "--volume"] == [
        f"{tmp_path}/o/0:/tmp",
        f"{tmp_path}/o/1:/out",
    ]
    assert made.local_path("/tmp/b.txt") == tmp_path / "o" / "0" / "b.txt"


def test_containers_of_two_runs_have_different_names(tmp_path: Path) -> None:
    one, two = plan(tmp_path, root=tmp_path / "1"), plan(tmp_path, root=tmp_path / "2")
    assert container_name(one) != container_name(two)
    assert len(container_name(plan(tmp_path, pod="x" * 300))) < 200


def engine(directory: Path, script: str) -> None:
    """A stand-in for a container engine on PATH."""
    file = directory / "docker"
    file.write_text(f"#!/bin/sh\n{script}\n")
    file.chmod(file.stat().st_mode | stat.S_IXUSR)


def test_a_missing_engine_is_said_clearly(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(EngineMissingError, match="podman is not on PATH: install it, or use the runner 'process'"):
        EmbeddedCluster(runner="podman")
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    engine(tmp_path, "echo 'Cannot connect to the daemon.' >&2; exit 1")
    with pytest.raises(EngineMissingError, match="docker does not work: Cannot connect to the daemon"):
        ContainerRunner("docker")


def test_an_engine_is_started_and_stopped_by_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calls = tmp_path / "calls"
    engine(tmp_path, f'echo "$@" >> {calls}; if [ "$1" = run ]; then echo "X=$X"; exec sleep 600; fi')
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    runner, ended, over = ContainerRunner("docker"), [], threading.Event()
    made = plan(tmp_path, open_log=True, env={"X": "y"})

    def end(exit_: Exit) -> None:
        ended.append(exit_)
        over.set()

    execution = runner.launch(made, WallClock(), end)
    execution.kill()
    assert over.wait(10)
    assert ended[0].code == 137
    assert f"rm --force {container_name(made)}" in calls.read_text()


def test_the_cluster_runs_pods_in_an_engine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    engine(tmp_path, '[ "$1" = run ] || exit 0; for last; do :; done; echo "ran $last"')
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    notes: list[str] = []
    with EmbeddedCluster(runner="docker", scratch=tmp_path / "s", on_note=notes.append) as cluster:
        kube = Kube(cluster)
        pod = kube.pod("containers: [{name: main, image: 'alpine:3'}]")
        assert kube.log(pod["metadata"]["name"]) == "ran alpine:3\n"
        kube.close()
    assert any("docker containers" in note for note in notes)


def test_a_scratch_path_that_a_shell_would_split_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="would need quoting"):
        EmbeddedCluster(scratch=tmp_path / "with space")
