"""Every value of the snapshot comes back from JSON as it was, whatever its fields hold."""

import json
from collections.abc import Mapping
from dataclasses import MISSING, fields, replace
from enum import Enum
from functools import cache
from typing import Any, get_args, get_origin, get_type_hints

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from prowless.domain.clusters import Cluster
from prowless.domain.config import snapshot
from prowless.domain.config.central import CentralConfig, JobDefaults
from prowless.domain.config.enabled import RepositoryPlugins
from prowless.domain.config.jobs import Periodic, Postsubmit, Presubmit, RepositoryConfig
from prowless.domain.config.plugins import Plugins
from prowless.domain.external_plugins import ExternalPlugin
from prowless.domain.refs import Pull, Refs
from prowless.domain.slack import SlackReporter
from prowless.domain.trust import TrustOptions
from prowless.usecases.snapshots import SnapshotConfig, publish
from tests.fakes.clock import FixedClock
from tests.fakes.stores import MemoryObjects

TEXTS = st.text("ab/:é\n", max_size=4)
JSON = st.sampled_from([True, 0, 7, "", "a", [], ["a", {"b": 1}], {}, {"a": {"b": [1]}}])
SCALARS = {str: TEXTS, int: st.integers(0, 2**40), bool: st.booleans(), Any: JSON, type(None): st.none()}
VALUES = (
    CentralConfig, Cluster, ExternalPlugin, JobDefaults, Periodic, Plugins, Postsubmit, Presubmit, Pull,
    Refs, RepositoryConfig, RepositoryPlugins, SlackReporter, TrustOptions,
)  # fmt: skip


@cache
def of_type(hint):
    """Any value of a field's type."""
    origin, args = get_origin(hint), get_args(hint)
    if hint in SCALARS:
        return SCALARS[hint]
    if origin is tuple:
        return st.lists(of_type(args[0]), max_size=1).map(tuple)
    if origin is Mapping:
        return st.dictionaries(of_type(args[0]), of_type(args[1]), max_size=1)
    if origin is not None:
        return st.one_of([of_type(arg) for arg in args])
    return st.sampled_from(list(hint)) if issubclass(hint, Enum) else of_class(hint)


@cache
def of_class(cls):
    """Any value of a dataclass: each field holds its default or anything of its type."""
    hints = get_type_hints(cls, None, {"Mapping": Mapping})
    values = {f.name: of_type(hints[f.name]) for f in fields(cls)}
    required = {f.name for f in fields(cls) if f.default is MISSING and f.default_factory is MISSING}
    return st.fixed_dictionaries(
        {name: values[name].filter(bool) for name in values if name in required},  # a name or commit is never empty
        optional={name: values[name] for name in values if name not in required},
    ).map(lambda found: cls(**found))


@pytest.mark.parametrize("cls", VALUES)
@settings(max_examples=30)
@given(st.data())
def test_a_value_survives_json(cls, data):
    value = data.draw(of_class(cls))
    assert cls.from_dict(json.loads(json.dumps(value.to_dict()))) == value


@settings(max_examples=30)
@given(of_class(CentralConfig), of_class(Periodic), of_class(RepositoryConfig))
def test_what_is_published_is_what_functions_read(central, periodic, repository):
    repository = replace(repository, repository="acme/app")
    objects = MemoryObjects()
    publish(snapshot.build(central, [periodic], [repository]), objects, {}, 1)
    config = SnapshotConfig(objects, FixedClock())
    assert (config.central(), config.periodics()) == (central, (periodic,))
    assert config.repository("acme/app") == repository
