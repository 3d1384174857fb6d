"""The `Objects` and `Artifacts` ports, whoever implements them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from prowless.domain.errors import PermanentError

if TYPE_CHECKING:
    from tests.contract.stores.backends import Stores

TEXT = "text/plain; charset=utf-8"


def test_bytes_come_back(stores: Stores) -> None:
    data = bytes(range(256)) * 10
    assert stores.objects.put("runs/a b/\u00fc.bin", data, "application/octet-stream")
    assert stores.objects.get("runs/a b/\u00fc.bin") == data


def test_an_empty_object_is_an_object(stores: Stores) -> None:
    stores.objects.put("empty", b"", TEXT)
    assert stores.objects.get("empty") == b""


def test_an_absent_object_is_none(stores: Stores) -> None:
    assert stores.objects.get("nothing/here") is None


def test_a_put_replaces(stores: Stores) -> None:
    stores.objects.put("key", b"one", TEXT)
    assert stores.objects.put("key", b"two", TEXT)
    assert stores.objects.get("key") == b"two"


def test_only_if_absent_keeps_the_first(stores: Stores) -> None:
    assert stores.objects.put("key", b"one", TEXT, only_if_absent=True)
    assert not stores.objects.put("key", b"two", TEXT, only_if_absent=True)
    assert stores.objects.get("key") == b"one"


def test_only_over_replaces_what_was_seen_and_nothing_else(stores: Stores) -> None:
    assert stores.objects.tagged("key") == (None, "")
    stores.objects.put("key", b"one", TEXT)
    data, tag = stores.objects.tagged("key")
    assert data == b"one"
    assert stores.objects.put("key", b"two", TEXT, only_over=tag)
    assert not stores.objects.put("key", b"three", TEXT, only_over=tag)
    assert stores.objects.get("key") == b"two"
    assert not stores.objects.put("absent", b"x", TEXT, only_over=tag)
    assert stores.objects.get("absent") is None


def test_the_empty_name_is_the_stacks_own_bucket(stores: Stores) -> None:
    own = stores.artifacts.bucket("")
    own.put("logs/x", b"own", TEXT)
    assert own.name.startswith("own")
    assert stores.artifacts.bucket(own.name).get("logs/x") == b"own"
    assert stores.artifacts.bucket(f"s3://{own.name}/").get("logs/x") == b"own"


def test_named_buckets_are_apart(stores: Stores) -> None:
    own = stores.artifacts.bucket("")
    other = stores.artifacts.bucket(own.name.replace("own", "other"))
    other.put("logs/x", b"other", TEXT)
    assert own.get("logs/x") is None
    assert other.get("logs/x") == b"other"


@pytest.mark.parametrize("name", ["gs://bucket", "file:///bucket"])
def test_other_kinds_of_storage_are_refused(stores: Stores, name: str) -> None:
    with pytest.raises(PermanentError, match="only s3://"):
        stores.artifacts.bucket(name)
