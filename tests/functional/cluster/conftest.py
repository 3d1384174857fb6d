from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from tests.functional.cluster.kube import Kube

from prowless_local.cluster import EmbeddedCluster

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def notes() -> list[str]:
    return []


@pytest.fixture
def cluster(tmp_path: Path, notes: list[str]) -> Iterator[EmbeddedCluster]:
    with EmbeddedCluster(scratch=tmp_path / "scratch", on_note=notes.append) as made:
        yield made
    assert not [note for note in notes if "has a defect" in note]


@pytest.fixture
def kube(cluster: EmbeddedCluster) -> Iterator[Kube]:
    made = Kube(cluster)
    yield made
    made.close()
