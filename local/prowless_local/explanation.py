"""Decisions and actions as `prowless explain` shows them, printable whatever strangers called their branches."""

from __future__ import annotations

import dataclasses
import re
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from prowless.domain.actions import (
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
    Start,
    SyncConfig,
    Withdraw,
)
from prowless.domain.approvals import Approval
from prowless.domain.wording import shown

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

COLUMNS = ("verdict", "job", "type", "rule", "reason")
"""What is shown of each decision."""

_SIGNS = {"run": ("green", "▶"), "skip": ("dim", "·"), "blocked": ("red", "✗")}


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """What is printed. `decisions` and `actions` are as JSON shows them; `title` says what they are about."""

    title: str
    event: str
    summary: str
    repository: str = ""
    delivery: str = ""
    decisions: Sequence[Mapping[str, str]] = ()
    actions: Sequence[Mapping[str, Any]] = ()
    problems: Sequence[str] = ()
    """What makes the repository's own configuration unusable."""
    notes: Sequence[str] = ()
    refused: Sequence[Mapping[str, str]] = ()
    """What a stored record says about actions that GitHub or the stores refused for good."""
    forwards: Sequence[Mapping[str, Any]] | None = None
    """How external plugins got a delivery, if that was asked for."""

    def to_dict(self) -> dict[str, Any]:
        """As `--format json` prints it."""
        about = {"delivery": self.delivery} if self.delivery else {"repository": self.repository}
        data = {**about, "event": self.event, "summary": self.summary, "decisions": list(self.decisions)}
        data |= {"problems": list(self.problems), "notes": list(self.notes)}
        if self.forwards is not None:
            data["forwards"] = list(self.forwards)
        return data | ({"refused": list(self.refused)} if self.delivery else {"actions": list(self.actions)})


def words(action: Action) -> str:
    """What dispatch would do, as one printable line."""
    match action:
        case Start():
            text = _start(action)
        case AbortPull():
            pull = f"{action.repository}#{action.number}"
            text = f"stop the unfinished runs of {pull}"
            text += f" on other heads than {_short(action.except_head)}" if action.except_head else ""
        case Comment():
            first = action.body.strip().partition("\n")[0]
            text = f"comment on {action.repository}#{action.number}: {shown(first, 120)}"
        case PruneHelp():
            text = f"delete our older help comments on {action.repository}#{action.number}"
        case AddLabel():
            text = f"put the label {action.label} on {action.repository}#{action.number}"
        case RemoveLabel():
            text = f"take the label {action.label} off {action.repository}#{action.number}"
        case CheckConfig():
            text = f"check the central configuration with the change of {action.repository}#{action.number}"
        case Record() | PassCheck():
            text = _passed(action)
        case SyncConfig():
            text = f"compile the configuration anew: {action.repository} moved to {_short(action.sha)}"
        case _:
            text = _kept(action)
    return shown(text, 500)


def _passed(action: Record | PassCheck) -> str:
    if isinstance(action, Record):
        return f"keep a successful ProwJob of {action.spec.job}: {action.description}"
    return f"post a successful check run {action.name} on {action.repository}@{_short(action.sha)}"


def _kept(action: Action) -> str:
    """What is kept of a pull request; of other actions all that they say."""
    match action:
        case Withdraw():
            return f"delete our comment on {action.repository}#{action.number} that asks for an approval"
        case Approve():
            who, sha = action.approval.by, action.approval.sha
            return f"keep that {who} approved {_short(sha)} of {action.repository}#{action.number}"
        case RevokeApprovals():
            return f"forget the approvals of {action.repository}#{action.number}"
        case NoteHead():
            return f"keep that {_short(action.sha)} is the head of {action.repository}#{action.number}"
    told = (f"{name} {value}" for name, value in fields(action).items() if name != "action")
    return f"{_kind(action)}: {', '.join(told)}"


def _start(action: Start) -> str:
    spec = action.spec
    text = f"start {spec.job} on cluster {spec.cluster}"
    if refs := spec.refs:
        text += f", {refs.base_ref} at {_short(refs.base_sha)}"
        text += "".join(f" with #{pull.number} at {_short(pull.sha)}" for pull in refs.pulls)
    if action.automatic and not action.renew:
        text += ", unless that head has a run of it already"
    return text


def _short(sha: str) -> str:
    return sha[:8] if sha.strip("0") else "a commit that is not known"


def fields(action: Action) -> dict[str, Any]:
    """What dispatch would do, as data; of a start what differs between runs of the same job."""
    if isinstance(action, Start):
        refs = action.spec.refs.to_dict() if action.spec.refs else None
        told: dict[str, Any] = {"job": action.spec.job, "cluster": action.spec.cluster, "refs": refs}
        told |= {"automatic": action.automatic, "renew": action.renew, "retest": action.retest}
    elif isinstance(action, Record):
        told = {"job": action.spec.job, "description": action.description, "url": action.url}
    else:
        values = {each.name: getattr(action, each.name) for each in dataclasses.fields(action)}
        told = {name: dataclasses.asdict(v) if isinstance(v, Approval) else v for name, v in values.items()}
    return {"action": _kind(action), **told}


def _kind(action: Action) -> str:
    """`AddLabel` is `add-label`."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "-", type(action).__name__).lower()


def show(explanation: Explanation) -> None:
    """A table, and what follows: coloured on a terminal, plain columns elsewhere."""
    console = Console(highlight=False)
    rows = [
        [_SIGNS.get(one["verdict"], ("", "?"))[1], *(shown(one[name], 600) for name in COLUMNS)]
        for one in explanation.decisions
    ]
    _line(console, f"{explanation.title}: {explanation.summary}", "bold")
    if rows:
        console.print()
        styles = [_SIGNS.get(one["verdict"], ("", ""))[0] for one in explanation.decisions]
        _table(console, ["", *COLUMNS], rows, styles)
    if explanation.actions:
        _line(console, "\nwhat follows:")
        for action in explanation.actions:
            _line(console, f"  {action['text']}")
    if explanation.refused:
        _line(console, "\nrefused:", "red")
        for one in explanation.refused:
            _line(console, f"  {one['action']}: {one['error']}")
    if explanation.problems:
        _line(console, "\nwrong in the repository's own configuration:")
        for problem in explanation.problems:
            _line(console, f"  {problem}", "red")
    _show_forwards(console, explanation.forwards)
    if explanation.notes:
        _line(console, "\nassumed, or to know:")
        for note in explanation.notes:
            _line(console, f"  {note}", "dim")


def _show_forwards(console: Console, forwards: Sequence[Mapping[str, Any]] | None) -> None:
    if forwards is not None:
        _line(console, "\nforwarded to external plugins:" if forwards else "\nforwarded to nobody")
    for one in forwards or ():
        reason = f": {one['reason']}" if one.get("reason") else ""
        _line(console, f"  {one['plugin']}: {one['state']} {one['at']}, attempt {one['attempts']}{reason}")


def _line(console: Console, text: str, style: str = "") -> None:
    lead = text[: len(text) - len(text.lstrip("\n"))]
    console.print(Text(lead + shown(text[len(lead) :], 2000), style=style), soft_wrap=True)


def show_history(title: str, columns: Sequence[str], told: Sequence[Mapping[str, str]]) -> None:
    """A table of deliveries."""
    console = Console(highlight=False)
    _line(console, title, "bold")
    console.print()
    rows = [[shown(one[name], 300) for name in columns] for one in told]
    _table(console, columns, rows, ["" for _ in rows])
    console.print()


def _table(console: Console, heads: Sequence[str], rows: Sequence[Sequence[str]], styles: Sequence[str]) -> None:
    """`styles` are those of each row's first two cells."""
    if console.is_terminal:
        table = Table(box=None, padding=(0, 1))
        for head in heads:
            table.add_column(head, overflow="fold")
        for style, row in zip(styles, rows, strict=True):
            table.add_row(*(Text(cell, style if at < 2 else "") for at, cell in enumerate(row)))  # noqa: PLR2004
        console.print(table)
        return
    lines = [heads, *rows]
    widths = [max(len(line[at]) for line in lines) for at in range(len(heads))]
    for line in lines:
        cells = "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True))
        console.print(Text(cells.rstrip()), soft_wrap=True)
