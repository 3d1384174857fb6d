from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from moto import mock_aws
from tests.contract.stores.backends import REGION, MemoryStores, MotoStores

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.contract.stores.backends import Stores


@pytest.fixture(scope="module")
def aws() -> Iterator[None]:
    """AWS in memory, for this module."""
    with pytest.MonkeyPatch.context() as patch, mock_aws():
        patch.setenv("AWS_DEFAULT_REGION", REGION)
        patch.delenv("AWS_ENDPOINT_URL", raising=False)
        yield


@pytest.fixture(scope="module", params=["memory", "moto"])
def new_stores(request: pytest.FixtureRequest) -> Callable[[], Stores]:
    """Makes a fresh set of stores; every suite runs against both kinds."""
    if request.param == "memory":
        return MemoryStores
    request.getfixturevalue("aws")
    return MotoStores


@pytest.fixture
def stores(new_stores: Callable[[], Stores]) -> Stores:
    return new_stores()


@pytest.fixture
def dynamo(aws: None) -> MotoStores:
    """Stores over moto only, for what memory has no notion of."""
    return MotoStores()
