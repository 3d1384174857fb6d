"""Check runs."""

from __future__ import annotations

from datetime import datetime
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from prowless_local.github.rest.call import ApiError, Call, Reply, Route, not_found, unprocessable
from prowless_local.github.views import checks as views

if TYPE_CHECKING:
    from prowless_local.github.records import CheckRun

STATES = ("queued", "in_progress", "completed", "waiting", "requested", "pending")
CONCLUSIONS = ("action_required", "cancelled", "failure", "neutral", "success", "skipped", "stale", "timed_out")
MOST_ANNOTATIONS = 50
MOST_ACTIONS = 3
LONGEST_TEXT = 65535
ACTION_LENGTHS = {"label": 20, "identifier": 20, "description": 40}


def create(call: Call) -> Reply:
    """`POST /repos/{owner}/{repo}/check-runs`."""
    _apps_only(call)
    name, sha = call.required("name", str), call.required("head_sha", str)
    try:
        run = call.github.create_check_run(
            call.repository.full_name, sha, name, app_id=call.principal.app_id, fields=_fields(call)
        )
    except KeyError:
        raise unprocessable(f"No commit found for SHA: {sha}") from None
    return Reply(body=views.check_run(call.github, run), status=HTTPStatus.CREATED)


def update(call: Call) -> Reply:
    """`PATCH /repos/{owner}/{repo}/check-runs/{id}`, by the App that created it."""
    _apps_only(call)
    run = _run(call)
    if run.app_id != call.principal.app_id:
        reason = "check run can only be modified by the GitHub App that created it."
        raise ApiError(HTTPStatus.FORBIDDEN, f"Invalid app_id `{call.principal.app_id}` - {reason}")
    fields = _fields(call)
    name = call.field("name", str)
    if name:
        fields["name"] = name
    return Reply(body=views.check_run(call.github, call.github.update_check_run(run.id, fields)))


def get(call: Call) -> Reply:
    """`GET /repos/{owner}/{repo}/check-runs/{id}`."""
    return Reply(body=views.check_run(call.github, _run(call)))


def list_for_ref(call: Call) -> Reply:
    """`GET /repos/{owner}/{repo}/commits/{ref}/check-runs`: the newest of each name and App, unless `filter=all`."""
    options = call.options
    sha = call.commit_sha(call.params["ref"])
    if sha is None:
        raise unprocessable(f"No commit found for SHA: {call.params['ref']}")
    runs = call.github.check_runs(call.repository.full_name, sha)
    if options.get("filter", "latest") == "latest":
        runs = list({(run.app_id, run.name): run for run in runs}.values())
    for option, attribute in (("check_name", "name"), ("status", "status"), ("app_id", "app_id")):
        wanted = options.get(option)
        if wanted:
            runs = [run for run in runs if str(getattr(run, attribute)) == wanted]
    return call.paged(
        runs[::-1],
        lambda run: views.check_run(call.github, run),
        wrap=lambda page: {"total_count": len(runs), "check_runs": page},
    )


def _run(call: Call) -> CheckRun:
    try:
        run = call.github.check_run(call.integer("id"))
    except KeyError:
        raise not_found() from None
    if run.repository != call.repository.full_name:
        raise not_found()
    return run


def _apps_only(call: Call) -> None:
    if call.principal.kind != "installation":
        raise ApiError(HTTPStatus.FORBIDDEN, "You must authenticate via a GitHub App.")


def _fields(call: Call) -> dict[str, Any]:
    """The record's fields that the body sets; a conclusion completes the run."""
    fields: dict[str, Any] = {}
    status, conclusion = call.field("status", str), call.field("conclusion", str)
    if status is not None:
        if status not in STATES:
            raise unprocessable(f"Invalid request.\n\n{status} is not a member of {list(STATES)}.")
        fields["status"] = status
    if conclusion is not None:
        if conclusion not in CONCLUSIONS:
            raise unprocessable(f"Invalid request.\n\n{conclusion} is not a member of {list(CONCLUSIONS)}.")
        fields |= {"conclusion": conclusion, "status": "completed"}
    elif status == "completed":
        raise unprocessable('Invalid request.\n\n"conclusion" wasn\'t supplied.')
    for name in ("details_url", "external_id"):
        text = call.field(name, str)
        if text is not None:
            fields[name] = text
    return fields | _times(call) | _output(call) | _actions(call)


def _times(call: Call) -> dict[str, int]:
    times = {}
    for name, record in (("started_at", "started_ms"), ("completed_at", "completed_ms")):
        text = call.field(name, str)
        if text is None:
            continue
        try:
            times[record] = int(datetime.fromisoformat(text).timestamp() * 1000)
        except ValueError:
            raise unprocessable(f"Invalid request.\n\n{text} is not a valid date-time.") from None
    return times


def _output(call: Call) -> dict[str, Any]:
    output = call.field("output", dict)
    if output is None:
        return {}
    if "summary" not in output:
        raise unprocessable('Invalid request.\n\n"summary" wasn\'t supplied.')
    for name in ("summary", "text"):
        if len(str(output.get(name) or "").encode()) > LONGEST_TEXT:
            raise unprocessable(f"Invalid request.\n\nOnly {LONGEST_TEXT} characters are allowed; {name} is longer.")
    annotations = output.get("annotations") or []
    if len(annotations) > MOST_ANNOTATIONS:
        raise unprocessable(
            f"Invalid request.\n\nNo more than {MOST_ANNOTATIONS} items are allowed; {len(annotations)} were supplied."
        )
    kept = {name: output.get(name) for name in ("title", "summary", "text")}
    return {"output": kept, "annotations": tuple(annotations)}


def _actions(call: Call) -> dict[str, Any]:
    actions = call.field("actions", list)
    if actions is None:
        return {}
    if len(actions) > MOST_ACTIONS:
        raise unprocessable(f"Invalid request.\n\nNo more than {MOST_ACTIONS} actions are allowed.")
    for action in actions:
        for name, longest in ACTION_LENGTHS.items():
            if not 0 < len(str(action.get(name) or "")) <= longest:
                raise unprocessable(f"Invalid request.\n\nAn action's {name} has 1 to {longest} characters.")
    return {"actions": tuple(actions)}


REPO = "/repos/{owner}/{repo}"

ROUTES = (
    Route(method="POST", path=f"{REPO}/check-runs", handler=create, permission="checks:write"),
    Route(method="PATCH", path=f"{REPO}/check-runs/{{id}}", handler=update, permission="checks:write"),
    Route(method="GET", path=f"{REPO}/check-runs/{{id}}", handler=get, permission="checks:read"),
    Route(method="GET", path=f"{REPO}/commits/{{ref}}/check-runs", handler=list_for_ref, permission="checks:read"),
)
