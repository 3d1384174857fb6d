"""The fields that Prow's configuration may have, and ours (`pkg/config/`, `pkg/apis/prowjobs/v1/types.go`)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from prowless.domain.config.decode import (
    Struct,
    boolean,
    duration,
    duration_or_nanoseconds,
    integer,
    list_of,
    mapping,
    mapping_of,
    opaque,
    structure,
    text,
    text_map,
    texts,
)
from prowless.domain.config.plugins import TRIGGERS
from prowless.domain.config.podspec import canonical, pod_spec
from prowless.domain.config.slack import REPORTER_CONFIG, REPORTERS

if TYPE_CHECKING:
    from prowless.domain.config.decode import Kind, Reader


def _pod_parts(reader: Reader, value: Any, at: str, what: str) -> list[Any]:
    """A list of PodSpec parts, as presets have them."""
    return [canonical(reader, item, what) for item, _ in reader.items(value, at, what)]


def _spelled(value: Any) -> Any:
    """A bare number or boolean as the text that Go makes of it, where it does; others as they are."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    return f"{value:g}" if isinstance(value, float) else value


def _preset_env(reader: Reader, value: Any, at: str, what: str) -> list[Any]:
    """A preset's environment: outside of jobs, Go turns bare numbers and booleans into texts."""
    spelled = ("name", "value")
    return [
        {key: _spelled(field) if key in spelled else field for key, field in item.items()}
        if isinstance(item, dict)
        else item
        for item in _pod_parts(reader, value, at, what)
    ]


def _preset_labels(reader: Reader, value: Any, at: str, what: str) -> dict[str, str] | None:
    """A preset's labels; see the environment."""
    table = reader.table(value, at, what)
    return None if table is None else {key: "" if item is None else str(_spelled(item)) for key, item in table.items()}


def _amount(reader: Reader, value: Any, at: str, what: str) -> Any:
    """A Kubernetes quantity: `1Gi` or a bare number."""
    return value if isinstance(value, int | float) else text(reader, value, at, what)


GCS_CONFIGURATION = Struct(
    "gcs_configuration",
    {
        "bucket": text,
        "path_prefix": text,
        "path_strategy": text,
        "default_org": text,
        "default_repo": text,
        "mediaTypes": text_map,
        "job_url_prefix": text,
        "local_output_dir": text,
        "compress_file_types": texts,
    },
    unused=frozenset({"local_output_dir", "compress_file_types", "mediaTypes"}),
)

DECORATION_CONFIG = Struct(
    "decoration_config",
    {
        "timeout": duration_or_nanoseconds,
        "grace_period": duration_or_nanoseconds,
        "utility_images": text_map,
        "resources": mapping,
        "gcs_configuration": structure(GCS_CONFIGURATION),
        "gcs_credentials_secret": text,
        "s3_credentials_secret": text,
        "default_service_account_name": text,
        "ssh_key_secrets": texts,
        "ssh_host_fingerprints": texts,
        "blobless_fetch": boolean,
        "sparse_checkout_files": texts,
        "skip_cloning": boolean,
        "cookiefile_secret": text,
        "oauth_token_secret": text_map,
        "github_api_endpoints": texts,
        "github_app_id": text,
        "github_app_private_key_secret": text_map,
        "censor_secrets": boolean,
        "censoring_options": mapping,
        "upload_ignores_interrupts": boolean,
        "set_limit_equals_memory_request": boolean,
        "default_memory_request": _amount,
        "scheduling_options": mapping,
        "pod_pending_timeout": duration,
        "pod_running_timeout": duration,
        "pod_unscheduled_timeout": duration,
        "run_as_user": integer,
        "run_as_group": integer,
        "fs_group": integer,
    },
    unused=frozenset(
        {
            "utility_images",
            "resources",
            "gcs_credentials_secret",
            "s3_credentials_secret",
            "ssh_key_secrets",
            "ssh_host_fingerprints",
            "blobless_fetch",
            "sparse_checkout_files",
            "cookiefile_secret",
            "oauth_token_secret",
            "github_api_endpoints",
            "github_app_id",
            "github_app_private_key_secret",
            "censor_secrets",
            "censoring_options",
            "upload_ignores_interrupts",
            "pod_running_timeout",
        }
    ),
)

PULL = Struct(
    "pull",
    {
        "number": integer,
        "author": text,
        "sha": text,
        "title": text,
        "ref": text,
        "head_ref": text,
        "link": text,
        "commit_link": text,
        "author_link": text,
    },
)

REFS = Struct(
    "extra_refs",
    {
        "org": text,
        "repo": text,
        "repo_link": text,
        "base_ref": text,
        "base_sha": text,
        "base_link": text,
        "pulls": list_of(structure(PULL)),
        "path_alias": text,
        "workdir": boolean,
        "auxiliary": boolean,
        "clone_uri": text,
        "skip_submodules": boolean,
        "clone_depth": integer,
        "skip_fetch_head": boolean,
        "blobless_fetch": boolean,
        "sparse_checkout_files": texts,
    },
    unused=frozenset({"blobless_fetch", "sparse_checkout_files"}),
)

_JOB: dict[str, Kind] = {
    "name": text,
    "labels": text_map,
    "annotations": text_map,
    "max_concurrency": integer,
    "agent": text,
    "cluster": text,
    "namespace": text,
    "error_on_eviction": boolean,
    "spec": pod_spec,
    "pipeline_run_spec": mapping,
    "tekton_pipeline_run_spec": mapping,
    "workflow_spec": mapping,
    "workflow_ref": opaque,
    "workflows": opaque,
    "reporter_config": structure(REPORTER_CONFIG),
    "rerun_auth_config": mapping,
    "hidden": boolean,
    "prowjob_defaults": mapping,
    "job_queue_name": text,
    "decorate": boolean,
    "decoration_config": structure(DECORATION_CONFIG),
    "path_alias": text,
    "clone_uri": text,
    "skip_submodules": boolean,
    "clone_depth": integer,
    "skip_fetch_head": boolean,
    "extra_refs": list_of(structure(REFS)),
}
_BRANCH_JOB: dict[str, Kind] = {
    **_JOB,
    "always_run": boolean,
    "branches": texts,
    "skip_branches": texts,
    "run_if_changed": text,
    "skip_if_only_changed": text,
    "context": text,
    "skip_report": boolean,
    "jenkins_spec": mapping,
}
_UNUSED_IN_JOBS = frozenset({"rerun_auth_config", "hidden", "prowjob_defaults", "jenkins_spec"})

PRESUBMIT = Struct(
    "presubmit",
    {**_BRANCH_JOB, "optional": boolean, "trigger": text, "rerun_command": text, "run_before_merge": boolean},
    unused=_UNUSED_IN_JOBS,
)
POSTSUBMIT = Struct("postsubmit", _BRANCH_JOB, unused=_UNUSED_IN_JOBS)
PERIODIC = Struct(
    "periodic",
    {
        **_JOB,
        "cron": text,
        "interval": text,
        "minimum_interval": text,
        "tags": texts,
        "retry": structure(Struct("retry", {"attempts": integer, "interval": text, "run_all": boolean})),
    },
    unused=_UNUSED_IN_JOBS,
)
PRESET = Struct(
    "preset",
    {
        "labels": _preset_labels,
        "env": _preset_env,
        "volumes": _pod_parts,
        "volumeMounts": _pod_parts,
        "tolerations": _pod_parts,
    },
)

JOB_CONFIG: dict[str, Kind] = {
    "presets": list_of(structure(PRESET)),
    "presubmits": opaque,
    "postsubmits": opaque,
    "periodics": opaque,
    "decorate_all_jobs": boolean,
    "prow_ignored": opaque,
}
JOB_FILE = Struct("job configuration", JOB_CONFIG)

_DECORATION_ENTRY = Struct(
    "default_decoration_config_entries",
    {"repo": text, "cluster": text, "config": structure(DECORATION_CONFIG)},
)
PLANK = Struct(
    "plank",
    {
        "job_url_template": text,
        "report_template": text,
        "report_templates": text_map,
        "max_concurrency": integer,
        "max_goroutines": integer,
        "allow_cancellations": boolean,
        "pod_pending_timeout": duration,
        "pod_running_timeout": duration,
        "pod_unscheduled_timeout": duration,
        "max_revivals": integer,
        "default_decoration_configs": mapping_of(structure(DECORATION_CONFIG)),
        "default_decoration_config_entries": list_of(structure(_DECORATION_ENTRY)),
        "job_url_prefix_config": text_map,
        "jobURLPrefixDisableAppendStorageProvider": boolean,
        "build_cluster_status_file": text,
        "job_queue_capacities": mapping_of(integer),
    },
    unused=frozenset(
        {
            "allow_cancellations",
            "build_cluster_status_file",
            "max_goroutines",
            "max_revivals",
            "pod_running_timeout",
        }
    ),
)
_REPORTER = Struct(
    "github_reporter",
    {"job_types_to_report": texts, "no_comment_repos": texts, "summary_comment_repos": texts},
    unused=frozenset({"summary_comment_repos"}),
)
_IN_REPO = Struct("in_repo_config", {"enabled": mapping_of(boolean), "allowed_clusters": mapping_of(texts)})
_ELSEWHERE = (
    "branch-protection",
    "config_version_sha",
    "deck",
    "disabled_clusters",
    "gangway",
    "gerrit",
    "github",
    "horologium",
    "jenkins_operators",
    "log_level",
    "managed_webhooks",
    "moonraker",
    "owners_dir_denylist",
    "pipeline",
    "prowjob_default_entries",
    "prowjob_namespace",
    "pubsub_subscriptions",
    "pubsub_triggers",
    "push_gateway",
    "scheduler",
    "sinker",
    "status_error_link",
    "tide",
)
"""Sections of Prow's components that we do not have, or not yet."""

PROW_CONFIG = Struct(
    "config",
    {
        **JOB_CONFIG,
        "plank": structure(PLANK),
        "default_job_timeout": duration,
        "pod_namespace": text,
        "github_reporter": structure(_REPORTER),
        "in_repo_config": structure(_IN_REPO),
        "slack_reporter_configs": REPORTERS,
        **dict.fromkeys(_ELSEWHERE, opaque),
    },
    unused=frozenset(_ELSEWHERE),
)

CLUSTER = Struct(
    "cluster",
    {
        "server": text,
        "ca": text,
        "eks": text,
        "region": text,
        "account": text,
        "namespace": text,
        "engine": text,
        "max_concurrency": integer,
        "dashboard_url": text,
        "service_accounts": texts,
        "allow": texts,
    },
)


def _trust(reader: Reader, value: Any, at: str, what: str) -> dict[str, Any] | None:
    """`commit` or `sticky` for all, or by `org/repo`, `org` and `*`."""
    return {"*": value} if isinstance(value, str) else text_map(reader, value, at, what)


SETTINGS = Struct("settings", {"clusters": mapping_of(structure(CLUSTER)), "triggers": TRIGGERS, "trust": _trust})
