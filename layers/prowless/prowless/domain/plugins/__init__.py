"""Comment commands beside the trigger plugin's: Prow's `/skip` and `/override…`, and our `/cancel` and `/explain`.

A command is a `PluginCommand` in `COMMANDS`; nothing else knows their names. Each is independent of the others.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from prowless.domain.config.enabled import not_enabled
from prowless.domain.decisions import Verdict
from prowless.domain.plugins.cancel import Cancel
from prowless.domain.plugins.explain import Explain
from prowless.domain.plugins.override import Override
from prowless.domain.plugins.override_cancel import OverrideCancel
from prowless.domain.plugins.request import PluginCommand, Request
from prowless.domain.plugins.skip import Skip

if TYPE_CHECKING:
    from prowless.domain import commands
    from prowless.domain.config.jobs import RepositoryConfig
    from prowless.domain.events import CommentEvent
    from prowless.domain.view import View

COMMANDS: tuple[PluginCommand, ...] = (Explain(), Cancel(), Skip(), OverrideCancel(), Override(sticky=True), Override())
"""In the order in which the commands of one comment are followed."""


@dataclass(frozen=True, slots=True)
class Asked:
    """The commands that a comment holds, each with what `PluginCommand.read` made of it."""

    found: tuple[tuple[PluginCommand, Any], ...] = ()

    def __bool__(self) -> bool:
        """Whether there is any."""
        return bool(self.found)

    def follow(self, testing: commands.Commands, event: CommentEvent, config: RepositoryConfig, view: View) -> Verdict:
        """What these commands do on an open pull; a command whose plugin is not enabled leaves a note only.

        Args:
            testing: the trigger plugin's commands of the same comment.
            event: the comment.
            config: the jobs of its repository, and its plugins.
            view: facts.
        """
        request = Request(event, testing, config, view)
        summaries = []
        for command, wanted in self.found:
            if config.plugins.has(command.plugin):
                summaries.append(command.follow(wanted, request))
            else:
                summaries.append(f"{command.name}: {not_enabled(command.plugin, config.repository)}")
        return Verdict(actions=tuple(request.actions), summary="; ".join(summaries))


def parse(body: str, text: str) -> Asked:
    """The commands in a comment.

    Args:
        body: the whole comment: Prow reads `/skip` and `/override` inside of code blocks too.
        text: the comment without code blocks, where ours count.
    """
    if "/" not in body:
        return Asked()
    read = ((command, command.read(body, text)) for command in COMMANDS)
    return Asked(tuple((command, wanted) for command, wanted in read if wanted is not None))
