"""A repository's files in one download: the port's promises, and archives that nobody should unpack carelessly."""

from __future__ import annotations

import gzip
import io
import tarfile
from typing import TYPE_CHECKING

import pytest
from tests.contract.github.scripted import Answer, ScriptedServer

from prowless.adapters.github import archives
from prowless.domain.errors import NotFoundError, PermanentError, RetryableError, TooLargeError

if TYPE_CHECKING:
    from tests.contract.github.worlds import World

    from prowless.adapters.github.github import RestGitHub

REPO = "acme/widgets"
LONG = f"dir/{'deep/' * 40}file.yaml"


def test_the_wanted_files_of_a_commit_come_at_once(world: World) -> None:
    files = {"jobs/a.yaml": "a: 1\n", "jobs/with space & ü.yaml": "b: 2\n", LONG: "c: 3\n", "big.bin": bytes(9_000_000)}
    world.create_repository(REPO, files)
    first = world.github.ref(REPO, "heads/main")
    second = world.commit(REPO, {"jobs/a.yaml": "a: changed\n", LONG: None})
    wanted = {"jobs/a.yaml", "jobs/with space & ü.yaml", LONG, "missing.yaml", "jobs"}
    both = {"jobs/with space & ü.yaml": b"b: 2\n"}
    assert world.github.archive(REPO, first, wanted.__contains__) == both | {"jobs/a.yaml": b"a: 1\n", LONG: b"c: 3\n"}
    assert world.github.archive(REPO, second, wanted.__contains__) == both | {"jobs/a.yaml": b"a: changed\n"}


def test_the_archive_of_what_is_not_there_is_not_found(world: World) -> None:
    world.create_repository(REPO, {})
    with pytest.raises(NotFoundError):
        world.github.archive(REPO, "0123456789" * 4, lambda _: True)


def entry(
    name: str, data: bytes = b"", kind: bytes = tarfile.REGTYPE, target: str = ""
) -> tuple[tarfile.TarInfo, bytes]:
    info = tarfile.TarInfo(name)
    info.size, info.type, info.linkname = len(data), kind, target
    return info, data


def packed(*entries: tuple[tarfile.TarInfo, bytes]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        for info, data in entries:
            archive.addfile(info, io.BytesIO(data))
    return buffer.getvalue()


def unpack(data: bytes) -> dict[str, bytes]:
    return archives.unpack("the archive", data, lambda _: True)


def test_a_download_from_another_host_is_unpacked(
    github: RestGitHub, server: ScriptedServer, elsewhere: ScriptedServer
) -> None:
    server.on("GET", "/repos/o/r/tarball/abc", Answer(status=302, headers={"Location": f"{elsewhere.url}/t"}))
    body = packed(entry("o-r-abc/a.yaml", b"a: 1\n"))
    elsewhere.on("GET", "/t", Answer(status=502), Answer(body=body, headers={"Content-Type": "application/x-gzip"}))
    assert github.archive("o/r", "abc", lambda _: True) == {"a.yaml": b"a: 1\n"}
    assert "authorization" not in elsewhere.seen[-1].headers


def test_links_devices_and_folders_are_left_out() -> None:
    data = packed(
        entry("r/a.yaml", b"a"),
        entry("r/soft", kind=tarfile.SYMTYPE, target="/etc/passwd"),
        entry("r/hard", kind=tarfile.LNKTYPE, target="r/a.yaml"),
        entry("r/device", kind=tarfile.CHRTYPE),
        entry("r/pipe", kind=tarfile.FIFOTYPE),
        entry("r/folder", kind=tarfile.DIRTYPE),
    )
    assert unpack(data) == {"a.yaml": b"a"}


def test_paths_are_names_and_nothing_is_written_there() -> None:
    assert unpack(packed(entry("r/../../x", b"1"), entry("/r/y", b"2"))) == {"../../x": b"1", "r/y": b"2"}


def test_a_file_that_claims_to_be_large_by_its_holes_is_left_out() -> None:
    info = tarfile.TarInfo("r/sparse")
    info.size = 4
    info.pax_headers = {"GNU.sparse.map": "0,4", "GNU.sparse.realsize": str(2**40), "GNU.sparse.size": str(2**40)}
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz", format=tarfile.PAX_FORMAT) as archive:
        archive.addfile(info, io.BytesIO(b"1234"))
    assert unpack(buffer.getvalue()) == {}


def test_a_large_file_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archives, "MAX_FILE", 3)
    assert unpack(packed(entry("r/a", b"1234"), entry("r/b", b"123"))) == {"b": b"123"}


def test_a_decompression_bomb_is_refused_while_it_is_unpacked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archives, "MAX_UNPACKED", 1_000_000)
    with pytest.raises(TooLargeError, match="the archive: more than 1000000 bytes unpacked"):
        unpack(packed(entry("r/zeros", bytes(50_000_000))))
    with pytest.raises(TooLargeError, match="1000000 bytes unpacked"):  # behind the archive's end
        unpack(gzip.compress(gzip.decompress(packed(entry("r/a", b"a"))) + bytes(50_000_000)))


def test_bytes_and_entries_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    data = packed(entry("r/a", b"1234"), entry("r/b", b"1234"))
    monkeypatch.setattr(archives, "MAX_WANTED", 7)
    with pytest.raises(TooLargeError, match="more than 7 bytes in the files"):
        unpack(data)
    monkeypatch.setattr(archives, "MAX_ENTRIES", 1)
    with pytest.raises(TooLargeError, match="more than 1 entries"):
        unpack(data)


@pytest.mark.parametrize("kind", [b"x", b"g", b"L", b"K"])
def test_a_header_that_would_be_read_whole_is_bounded(kind: bytes) -> None:
    with pytest.raises(TooLargeError, match="an archive's header has 1000000 bytes"):
        unpack(packed(entry("header", bytes(1_000_000), kind)))


def test_an_answer_beyond_the_limit_is_not_read_to_its_end(
    github: RestGitHub, server: ScriptedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archives, "MAX_PACKED", 1000)
    server.on("GET", "/repos/o/r/tarball/abc", Answer(body=bytes(100_000)))
    with pytest.raises(TooLargeError, match="takes more than 1000 bytes"):
        github.archive("o/r", "abc", lambda _: True)


def test_an_archive_may_be_larger_than_other_answers(
    github: RestGitHub, server: ScriptedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(github.client._transport, "_max_body_bytes", 10)
    body = packed(entry("r/a", b"a"))
    server.on("GET", "/repos/o/r/tarball/abc", Answer(body=body, headers={"Content-Type": "application/x-gzip"}))
    assert github.archive("o/r", "abc", lambda _: True) == {"a": b"a"}


def test_a_tar_that_came_unpacked_is_read_as_well() -> None:
    assert unpack(gzip.decompress(packed(entry("r/a", b"a")))) == {"a": b"a"}


NO_ARCHIVES = {
    "empty": b"",
    "not gzip": b"\x1f\x8bnot gzip",
    "no tar": b"not a tar" * 100,
    "no tar, packed": gzip.compress(b"not a tar" * 100),
}


@pytest.mark.parametrize("name", NO_ARCHIVES)
def test_what_is_no_archive_is_permanent(name: str) -> None:
    data = NO_ARCHIVES[name]
    with pytest.raises(PermanentError, match="the archive: not an archive"):
        unpack(data)


def test_an_archive_that_ends_too_early_is_asked_for_again() -> None:
    data = packed(*(entry(f"r/{number}", bytes([number]) * 1000) for number in range(100)))
    for cut in (len(data) - 9, len(data) // 2):
        with pytest.raises(RetryableError, match="ends too early"):
            unpack(data[:cut])
