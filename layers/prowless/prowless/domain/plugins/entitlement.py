"""Who may override, and how the contexts after these commands are written (`pkg/plugins/override/override.go`)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from prowless.domain.config.enabled import RepositoryPlugins
    from prowless.domain.plugins.request import Request

SKIP_RETEST = "[prow:skip-retest]"
"""In a description: Tide does not test the context again when the base moves (`pkg/config/config.go:3463`)."""


def entitled(request: Request, user: str) -> bool:
    """Whether a user may override: an administrator, a member of an allowed team, or a top-level approver.

    (`override.go:236`) Unlike Prow, which takes an error of GitHub's for a no, an error is raised and tried again.
    """
    view, plugins = request.view, request.config.plugins
    if view.permission(user) == "admin":
        return True
    if any(view.in_team(slug, user) for slugs in plugins.override_teams.values() for slug in slugs):
        return True
    return plugins.override_top_level_owners and view.top_level_approver(user)


def who_can_use(plugins: RepositoryPlugins) -> str:
    """Who that is, in Prow's words (`override.go:190`)."""
    owners = ", approvers in top level OWNERS file" if plugins.override_top_level_owners else ""
    teams = sorted(f"{key}: {' '.join(slugs)}" for key, slugs in plugins.override_teams.items())
    named = f", and the following github teams:{', '.join(teams)}" if teams else ""
    return f"Repo administrators{owners}{named}."


def contexts_in(line: str) -> list[str]:
    """The contexts after a command: separated by spaces, in double quotes if there are spaces in them."""
    parts = re.findall(r'(?:[^ "]|"[^"]*(?:"|$))+', line)
    return [part.strip().strip('"') for part in parts]
