"""dispatch: judge a delivery against the present state of things, carry out what follows, and keep why."""

from __future__ import annotations

import json
import logging
from typing import TYPE_CHECKING, Any

from prowless.domain import commands, events, triggers
from prowless.domain.actions import (
    AbortGroup,
    AbortPull,
    Action,
    AddLabel,
    Approve,
    CheckConfig,
    Comment,
    NoteHead,
    PassCheck,
    PruneHelp,
    Record,
    RemoveLabel,
    RevokeApprovals,
    SetStatus,
    Start,
    SyncConfig,
    Withdraw,
)
from prowless.domain.approvals import HeadSeen
from prowless.domain.decisions import Verdict
from prowless.domain.errors import PermanentError, ProwlessError, RetryableError
from prowless.domain.events import CommentEvent, PullRequestEvent
from prowless.domain.wording import marked, marker
from prowless.ports.github import CheckRun, Status
from prowless.ports.stores import DONE, REFUSED
from prowless.usecases.facts import GitHubFacts

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

    from prowless.domain.events import Event
    from prowless.ports.config import ConfigSource, OwnersParser
    from prowless.ports.flow import ConfigQueue
    from prowless.ports.github import Comment as Said
    from prowless.ports.github import GitHub
    from prowless.ports.stores import Deliveries, Delivery, Objects
    from prowless.usecases.forwards import RequestForwards
    from prowless.usecases.in_repo import InRepoConfigs
    from prowless.usecases.ledgers import PullLedgers
    from prowless.usecases.runs import AbortRuns, StartRuns

log = logging.getLogger(__name__)

Shown = SetStatus | PassCheck | Comment | Withdraw | PruneHelp | AddLabel | RemoveLabel
"""Actions on what people see."""

_INDEPENDENT = (Start, SyncConfig, CheckConfig)
"""Actions that no decision of a repetition turns on: they go on after another failed, and others after them."""


class DispatchDelivery:
    """Carries out what deliveries ask for. Every part may be repeated, so a retried message completes the work."""

    def __init__(
        self,
        *,
        deliveries: Deliveries,
        state: Objects,
        config: ConfigSource,
        in_repo: InRepoConfigs,
        github: GitHub,
        start: StartRuns,
        aborts: AbortRuns,
        ledgers: PullLedgers,
        configuration: ConfigQueue,
        forwards: RequestForwards,
        sources: Collection[tuple[str, str]],
        pause: Callable[[float], None],
        parse_owners: OwnersParser,
    ) -> None:
        """`sources` are the (repository, branch) pairs of the central configuration; `pause` waits for seconds.

        `parse_owners` reads OWNERS files.
        """
        self._deliveries = deliveries
        self._state = state
        self._config = config
        self._in_repo = in_repo
        self._github = github
        self._start = start
        self._aborts = aborts
        self._ledgers = ledgers
        self._configuration = configuration
        self._forwards = forwards
        self._sources = sources
        self._pause = pause
        self._parse_owners = parse_owners

    def __call__(self, messages: Iterable[Mapping[str, Any]]) -> None:
        """Handle the deliveries that the messages point to (`{"delivery": guid}`).

        Raises:
            RetryableError: GitHub or AWS failed; the message comes again.
            PermanentError: the delivery cannot be handled; after the last receive the queue's DLQ keeps it.
        """
        for message in messages:
            self._handle(str(message.get("delivery", "")))

    def _handle(self, guid: str) -> None:
        delivery = self._deliveries.get(guid)
        if delivery is None:
            raise PermanentError(f"delivery {guid!r} is on the queue but has no row")
        self._forwards(delivery)  # before anything of ours that may fail
        if delivery.outcome == DONE:
            log.info("delivery is done already", extra={"delivery": guid})
            return
        body = self._state.get(delivery.body)
        if body is None:
            raise PermanentError(f"delivery {guid}: its body {delivery.body} is not in the state bucket")
        event = events.parse(delivery.event, json.loads(body))
        if event is None:
            self._done(delivery, Verdict(summary=f"no rule acts on {delivery.event} events yet"), ())
            return
        check_scope(delivery, event)
        if isinstance(event, PullRequestEvent):
            self._keep_head(event, delivery.received_at)
        verdict = self._decide(event)
        self._done(delivery, verdict, self._carry_out(verdict.actions, delivery))

    def _keep_head(self, event: PullRequestEvent, received_at: int) -> None:
        opened = event.action == "opened"
        head = HeadSeen(sha=event.head_sha, at=event.at or received_at, seen=received_at, opened=opened)
        self._ledgers.saw(event.repository, event.number, head)

    def _decide(self, event: Any) -> Verdict:
        snapshot = self._config.snapshot()
        config = self._config.repository(event.repository)
        number = event.number if isinstance(event, PullRequestEvent | CommentEvent) else 0
        view = GitHubFacts(
            github=self._github,
            event=event,
            number=number,
            trust=config.trust,
            pause=self._pause,
            unfinished=self._aborts.unfinished,
            ledger=self._ledgers.read,
            in_repo=self._in_repo.of(config, snapshot),
            parse_owners=self._parse_owners,
        )
        return triggers.decide(event, config, view, config_sources=self._sources)

    def _carry_out(self, actions: Iterable[Action], delivery: Delivery) -> list[dict[str, str]]:
        """Carry out all actions, also after one that was refused for good; those that were, with what was said.

        After one that failed for now only `_INDEPENDENT` actions go on: the repetition decides by the state it
        meets, so an answer that is still to be posted must find what it tells of undone. Prow stops at
        the first error (`pkg/plugins/trigger/push.go:80-110`): one job then costs the others their run.

        Raises:
            RetryableError: at least one failed for now; the message comes again, and what is done already stays.
        """
        refused: list[dict[str, str]] = []
        failed: list[ProwlessError] = []
        waits = False
        for action in actions:
            if waits and not isinstance(action, _INDEPENDENT):
                continue
            try:
                self._perform(action, delivery)
            except PermanentError as error:
                log.error("action refused: %s: %s", _named(action), error, extra={"delivery": delivery.guid})  # noqa: TRY400  GitHub's words say it; the trace of our own code does not
                refused.append({"action": _named(action), "error": str(error)})
            except ProwlessError as error:
                log.warning("action failed: %s: %s", _named(action), error, extra={"delivery": delivery.guid})
                failed.append(error)
                waits = waits or not isinstance(action, _INDEPENDENT)
        if failed:
            raise RetryableError(f"delivery {delivery.guid}: {len(failed)} actions failed: {failed[0]}") from failed[0]
        return refused

    def _perform(self, action: Action, delivery: Delivery) -> None:
        match action:
            case Start():
                self._start.start(
                    action.spec,
                    action.cause,
                    delivery=delivery.guid,
                    automatic=action.automatic and not action.renew,
                    retest=action.retest,
                )
            case Record():
                self._start.record(
                    action.spec,
                    action.cause,
                    description=action.description,
                    url=action.url,
                    delivery=delivery.guid,
                )
            case AbortPull():
                self._aborts.abort_pull(
                    action.repository,
                    action.number,
                    action.description,
                    action.except_head,
                    except_cause=action.except_cause,
                    jobs=action.jobs,
                )
            case AbortGroup():
                self._aborts.abort_group(action.repository, action.head_sha, action.description)
            case SyncConfig():
                self._configuration.sync(f"{action.repository}@{action.sha} delivery {delivery.guid}")
            case CheckConfig():
                self._configuration.check(action.repository, action.number, delivery.guid)
            case Approve():
                self._ledgers.approve(action.repository, action.number, action.approval)
            case RevokeApprovals():
                self._ledgers.revoke(action.repository, action.number)
            case NoteHead():
                self._ledgers.note(action.repository, action.number, action.sha)
            case _:
                self._show(action)

    def _show(self, action: Shown) -> None:
        """What people see on the pull request."""
        match action:
            case SetStatus():
                self._set_status(action)
            case PassCheck():
                self._pass_check(action)
            case Comment():
                self._say(action)
            case Withdraw():
                self._withdraw(action)
            case PruneHelp():
                self._prune_help(action)
            case AddLabel():
                self._github.add_label(action.repository, action.number, action.label)
            case RemoveLabel():
                self._github.remove_label(action.repository, action.number, action.label)

    def _set_status(self, action: SetStatus) -> None:
        status = Status(
            context=action.context,
            state=action.state,
            description=action.description,
            target_url=action.target_url,
        )
        if self._github.statuses(action.repository, action.sha).get(action.context) != status:
            self._github.create_status(action.repository, action.sha, status)

    def _pass_check(self, action: PassCheck) -> None:
        passed = CheckRun(name=action.name, conclusion="success")
        if passed not in self._github.check_runs(action.repository, action.sha):
            self._github.create_check_run(action.repository, action.sha, passed, action.title, action.summary)

    def _say(self, comment: Comment) -> None:
        """Post a comment once: it carries its key, and a comment of ours with that key is the same one."""
        body = f"{comment.body}\n{marker(comment.key)}"
        present = self._said(comment.repository, comment.number, comment.key)
        if not present:
            self._github.create_comment(comment.repository, comment.number, body)
        elif comment.standing and present[0].body != body:
            self._github.update_comment(comment.repository, present[0].id, body)

    def _said(self, repository: str, number: int, key: str) -> list[Said]:
        login = self._github.login()
        there = self._github.comments(repository, number)
        return [comment for comment in there if comment.author == login and marked(comment.body, marker(key))]

    def _withdraw(self, action: Withdraw) -> None:
        for comment in self._said(action.repository, action.number, action.key):
            self._github.delete_comment(action.repository, comment.id)

    def _prune_help(self, action: PruneHelp) -> None:
        login = self._github.login()
        for comment in self._github.comments(action.repository, action.number):
            if comment.author == login and commands.is_help_comment(comment.body):
                self._github.delete_comment(action.repository, comment.id)

    def _done(self, delivery: Delivery, verdict: Verdict, refused: Sequence[Mapping[str, str]]) -> None:
        """Keep the decisions. A delivery with refused actions is not done: redelivered, it tries them again."""
        key = delivery.body.removesuffix(".json") + ".decisions.json"
        record = {"delivery": delivery.guid, "event": delivery.event, **verdict.to_dict(), "refused": list(refused)}
        self._state.put(key, json.dumps(record, indent=1).encode(), "application/json")
        self._deliveries.finish(delivery.guid, REFUSED if refused else DONE, key)
        log.info("delivery handled: %s", verdict.summary, extra={"delivery": delivery.guid})


def _named(action: Action) -> str:
    """An action in the record of what was refused: `AddLabel needs-ok-to-test`."""
    about = action.spec.job if isinstance(action, Start) else getattr(action, "label", getattr(action, "context", ""))
    return f"{type(action).__name__} {about}".rstrip()


def check_scope(delivery: Delivery, event: Event) -> None:
    """Refuse a body that speaks about a repository its signature does not vouch for.

    Raises:
        PermanentError: it names another repository than the verified one.
    """
    verified = delivery.scope
    for repository in event.repositories:
        inside = (
            verified == "*"
            or verified.startswith("app:")
            or repository.lower() == verified.lower()
            or repository.partition("/")[0].lower() == verified.lower()
        )
        if not inside or repository.lower() != delivery.repository.lower():
            raise PermanentError(
                f"delivery {delivery.guid}: its body speaks about {repository}, but was signed for "
                f"{delivery.repository} by the secret of {verified!r}"
            )
