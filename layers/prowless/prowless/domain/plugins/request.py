"""What the commands have in common: how they are found in a comment, and what they do with GitHub."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from prowless.domain import approvals, commands, replies
from prowless.domain.actions import Action, Comment, NoteHead, SetStatus
from prowless.domain.view import StatusFact
from prowless.domain.wording import shown

if TYPE_CHECKING:
    import re
    from collections.abc import Iterable, Mapping

    from prowless.domain.config.jobs import RepositoryConfig
    from prowless.domain.events import CommentEvent
    from prowless.domain.view import View

SUCCESS = "success"
MOST_NAMES = 100
"""Names in one command that are read, and names that an answer lists."""


class PluginCommand(Protocol):
    """A command in comments that is not the trigger plugin's own."""

    @property
    def name(self) -> str:
        """The command, as `/skip`."""
        ...

    @property
    def plugin(self) -> str:
        """The plugin of plugins.yaml that switches it."""
        ...

    def read(self, body: str, text: str) -> Any:
        """What is asked for, None if the command is not there. `text` is `body` without its code blocks."""
        ...

    def follow(self, wanted: Any, request: Request) -> str:
        """Put what follows into the request's actions; one sentence about it for the record."""
        ...


class Request:
    """One comment on an open pull, and what follows from it.

    A command answers at most once for one comment: what is said first stands, however often the event is handled. So
    an answer comes before what it tells of.
    """

    def __init__(self, event: CommentEvent, testing: commands.Commands, config: RepositoryConfig, view: View) -> None:
        """`testing` are the trigger plugin's commands of the same comment."""
        self.event = event
        self.testing = testing
        self.config = config
        self.view = view
        self.pull = view.pull()
        self.actions: list[Action] = []
        self._posted: dict[str, StatusFact] = {}

    def statuses(self) -> Mapping[str, StatusFact]:
        """The statuses of the head, with those that this comment has posted so far."""
        return {**self.view.statuses(), **self._posted}

    def set_status(self, context: str, state: str, description: str, target_url: str = "") -> None:
        """Post a status on the pull's head."""
        self._posted[context] = StatusFact(state=state, description=description, target_url=target_url)
        self.actions.append(
            SetStatus(
                repository=self.pull.repository,
                sha=self.pull.head_sha,
                context=context,
                state=state,
                description=description,
                target_url=target_url,
            )
        )

    def misses_head(self, command: str) -> str:
        """Why a command on the head's statuses is not about the present head, which is answered; nothing if it is."""
        reason = approvals.overtaken(self.event, self.pull, self.config.trust, self.view)
        if reason:
            pull = self.pull
            self.actions.append(NoteHead(repository=pull.repository, number=pull.number, sha=pull.head_sha))
            self.answer(command, replies.other_head(command, reason, pull))
        return reason

    def answer(self, kind: str, reply: str) -> None:
        """Answer the comment, once for each kind."""
        event, pull = self.event, self.pull
        body = commands.response(login=event.author, reply=reply, body=event.body, url=event.html_url)
        key = f"{kind} {event.cause()}"
        self.actions.append(Comment(repository=pull.repository, number=pull.number, body=body, key=key))


def given(pattern: re.Pattern[str], text: str) -> list[str | None]:
    """What follows the command on each line that is one, None where nothing does."""
    found = (pattern.fullmatch(line) for line in text.split("\n") if line.startswith("/"))
    return [match[1] for match in found if match]


def unique(names: Iterable[str]) -> tuple[str, ...]:
    """Each name once, bounded."""
    return tuple(dict.fromkeys(names))[:MOST_NAMES]


def quoted(names: Iterable[str]) -> str:
    """Names for an answer."""
    return ", ".join(f"`{shown(name, 200)}`" for name in names)
