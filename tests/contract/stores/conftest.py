from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from moto import mock_aws
from tests.contract.stores.backends import REGION, MemoryBackend, MotoBackend

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.contract.stores.backends import Stores


@pytest.fixture(scope="module")
def moto_backend() -> Iterator[MotoBackend]:
    with pytest.MonkeyPatch.context() as patch, mock_aws():
        patch.setenv("AWS_DEFAULT_REGION", REGION)
        patch.delenv("AWS_ENDPOINT_URL", raising=False)
        yield MotoBackend()


@pytest.fixture(scope="module", params=["memory", "moto"])
def new_stores(request: pytest.FixtureRequest) -> Callable[[], Stores]:
    """Makes a fresh set of stores; every suite runs against both kinds."""
    return MemoryBackend() if request.param == "memory" else request.getfixturevalue("moto_backend")


@pytest.fixture
def stores(new_stores: Callable[[], Stores]) -> Stores:
    return new_stores()


@pytest.fixture
def dynamo(moto_backend: MotoBackend) -> Stores:
    """Stores over moto only, for what memory has no notion of."""
    return moto_backend()
