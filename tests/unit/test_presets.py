import pytest

from prowless.domain.config.presets import (
    PresetError,
    carries_secrets,
    decoration_defaults,
    entries_of_map,
    with_defaults,
    with_presets,
)

SPEC = {"containers": [{"image": "a"}, {"image": "b"}], "initContainers": [{"image": "i"}]}
PRESET = {
    "labels": {"preset-cache": "true"},
    "env": [{"name": "CACHE", "value": "/cache"}],
    "volumes": [{"name": "cache", "emptyDir": {}}],
    "volumeMounts": [{"name": "cache", "mountPath": "/cache"}],
    "tolerations": [{"key": "ci"}],
}
LABELS = {"preset-cache": "true"}


def test_a_preset_goes_to_every_container_but_not_to_init_containers():
    spec = with_presets(SPEC, LABELS, [PRESET])
    assert [c["env"] for c in spec["containers"]] == [PRESET["env"]] * 2
    assert [c["volumeMounts"] for c in spec["containers"]] == [PRESET["volumeMounts"]] * 2
    assert spec["volumes"] == PRESET["volumes"]
    assert spec["tolerations"] == PRESET["tolerations"]
    assert spec["initContainers"] == [{"image": "i"}]
    assert "env" not in SPEC["containers"][0]


def test_a_pod_without_containers_gets_none_by_a_preset():
    assert with_presets({"restartPolicy": "Never"}, LABELS, [PRESET]) == {
        "restartPolicy": "Never",
        "volumes": PRESET["volumes"],
        "tolerations": PRESET["tolerations"],
    }


@pytest.mark.parametrize("labels", [{}, {"preset-cache": "false"}, {"other": "true"}])
def test_all_labels_must_be_equal(labels):
    assert with_presets(SPEC, labels, [PRESET]) is SPEC


def test_a_preset_without_labels_goes_to_every_job():
    assert with_presets(SPEC, {}, [{"env": PRESET["env"]}])["containers"][0]["env"] == PRESET["env"]


@pytest.mark.parametrize(
    ("own", "message"),
    [
        ({"containers": [{"env": [{"name": "CACHE"}]}]}, "env var duplicated in pod spec: CACHE"),
        ({"containers": [{}], "volumes": [{"name": "cache"}]}, "volume duplicated in pod spec: cache"),
        ({"containers": [{"volumeMounts": [{"name": "cache"}]}]}, "volume mount duplicated in pod spec: cache"),
        ({"containers": [{}], "tolerations": [{"key": "ci"}]}, "toleration duplicated in pod spec"),
    ],
)
def test_what_is_there_already_is_not_overwritten(own, message):
    with pytest.raises(PresetError, match=message):
        with_presets(own, LABELS, [PRESET])


def test_presets_that_bring_secrets_are_known():
    assert carries_secrets({"volumes": [{"name": "s", "secret": {"secretName": "aws"}}]})
    assert carries_secrets({"env": [{"name": "KEY", "valueFrom": {"secretKeyRef": {"name": "aws"}}}]})
    assert not carries_secrets(PRESET)


def test_decoration_defaults_fill_field_by_field():
    config = {"timeout": "1h", "gcs_configuration": {"bucket": "own"}, "ssh_key_secrets": []}
    defaults = {
        "timeout": "2h",
        "grace_period": "15s",
        "gcs_configuration": {"bucket": "default", "path_strategy": "explicit"},
        "ssh_key_secrets": ["key"],
    }
    assert with_defaults(config, defaults) == {
        "timeout": "1h",
        "grace_period": "15s",
        "gcs_configuration": {"bucket": "own", "path_strategy": "explicit"},
        "ssh_key_secrets": ["key"],
    }


def test_an_empty_secrets_name_is_an_answer_and_an_empty_bucket_is_not():
    defaults = {"gcs_credentials_secret": "gcs", "gcs_configuration": {"bucket": "default"}}
    merged = with_defaults({"gcs_credentials_secret": "", "gcs_configuration": {"bucket": ""}}, defaults)
    assert merged == {"gcs_credentials_secret": "", "gcs_configuration": {"bucket": "default"}}


def test_default_media_types_win_as_in_prow():
    merged = with_defaults(
        {"gcs_configuration": {"mediaTypes": {"log": "a/b", "x": "c/d"}}},
        {"gcs_configuration": {"mediaTypes": {"log": "text/plain"}}},
    )
    assert merged["gcs_configuration"]["mediaTypes"] == {"log": "text/plain", "x": "c/d"}


def test_map_entries_go_from_general_to_special():
    entries = entries_of_map({"acme/app": {"timeout": "3h"}, "acme": {"timeout": "2h"}, "*": {"timeout": "1h"}})
    assert [entry["repo"] for entry in entries] == ["*", "acme", "acme/app"]
    assert decoration_defaults(entries, "acme/app", "default")["timeout"] == "3h"
    assert decoration_defaults(entries, "acme/lib", "default")["timeout"] == "2h"
    assert decoration_defaults(entries, "else/x", "default")["timeout"] == "1h"


def test_entries_may_ask_for_a_cluster():
    entries = [{"config": {"timeout": "1h"}}, {"cluster": "big", "config": {"timeout": "9h"}}]
    assert decoration_defaults(entries, "acme/app", "big") == {"timeout": "9h"}
    assert decoration_defaults(entries, "acme/app", "default") == {"timeout": "1h"}
