"""The names of warnings: those of Prow's `checkconfig` (`cmd/checkconfig/main.go:104-180`), and ours."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection

UNKNOWN = "unknown-fields"
UNKNOWN_IN_JOBS = "unknown-fields-all"
LONG_NAMES = "long-job-names"
DUPLICATE_REFS = "duplicate-job-refs"
MISSING_TRIGGER = "missing-trigger"
CLUSTER = "validate-cluster-field"
NOT_DECORATED = "non-decorated-jobs"
DECORATION = "valid-decoration-config"
OK_TO_TEST = "needs-ok-to-test"
WEBHOOKS = "managed-webhooks"
URLS = "validate-urls"
ANNOTATIONS = "required-job-annotations"
PERIODIC_CLONE = "periodic-default-clone-config"

LOST = "lost-values"
UNKNOWN_PLUGIN = "unknown-plugins"
PRESET_FOR_ALL = "preset-for-all-jobs"
MISPLACED = "misplaced-options"
TEMPLATES = "report-templates"
POLICY = "manifest-policy"
CANNOT_RUN = "cannot-run"
EXTERNAL_PLUGINS = "external-plugins"
SLACK = "slack-reporters"

OPTIONAL = frozenset({DECORATION})
"""Not among the default ones, in Prow and here."""

OURS = (LOST, UNKNOWN_PLUGIN, PRESET_FOR_ALL, MISPLACED, TEMPLATES, POLICY, CANNOT_RUN, EXTERNAL_PLUGINS, SLACK)
PROVIDED = (
    UNKNOWN,
    UNKNOWN_IN_JOBS,
    LONG_NAMES,
    DUPLICATE_REFS,
    MISSING_TRIGGER,
    CLUSTER,
    NOT_DECORATED,
    DECORATION,
    OK_TO_TEST,
    WEBHOOKS,
    URLS,
    ANNOTATIONS,
    PERIODIC_CLONE,
    *OURS,
)

NOT_PROVIDED = {
    "mismatched-tide": "Tide",
    "mismatched-tide-lenient": "Tide",
    "tide-strict-branch": "Tide",
    "tide-context-policy": "Tide",
    "validate-owners": "plugins that read OWNERS files",
    "verify-owners-presence": "plugins that read OWNERS files",
    "validate-supplemental-prow-config-hierarchy": "supplemental configuration",
    "validate-supplemental-prow-config-hirarchy": "supplemental configuration",
    "validate-unmanaged-branchconfig-has-no-subconfig": "branch protection",
    "validate-github-app-installation": "what GitHub answers",
    "validate-label": "the label plugin",
    "validate-config-updater-acls": "the config-updater plugin",
}
"""Prow's other names, accepted as they stand in people's scripts, and what each is about."""

ALL = (*PROVIDED, *NOT_PROVIDED)


def enabled(asked: Collection[str], excluded: Collection[str], *, with_default: bool) -> frozenset[str]:
    """The names that count: those asked for, without any the default ones, never excluded ones.

    Asking for unknown fields everywhere asks for those of config.yaml and plugins.yaml as well.
    """
    names = set(asked)
    if not asked or with_default:
        names |= set(PROVIDED) - OPTIONAL
    if UNKNOWN_IN_JOBS in names:
        names.add(UNKNOWN)
    return frozenset(names - set(excluded))
