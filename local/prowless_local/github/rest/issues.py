"""Comments and labels of pull requests."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from prowless_local.github.rest.call import ApiError, Call, Reply, Route, invalid, not_found, unprocessable
from prowless_local.github.views import pulls as views
from prowless_local.github.world import key

if TYPE_CHECKING:
    from prowless_local.github.records import Comment

LONGEST_BODY = 65536
LONGEST_LABEL = 50


def list_comments(call: Call) -> Reply:
    """`GET /repos/{owner}/{repo}/issues/{number}/comments`, oldest first."""
    comments = call.github.comments(call.repository.full_name, call.pull.number)
    return call.paged(comments, lambda one: views.comment(call.github, one))


def create_comment(call: Call) -> Reply:
    """`POST /repos/{owner}/{repo}/issues/{number}/comments`."""
    pull, who = call.pull, call.principal
    comment_id = call.github.comment(
        pull.repository,
        pull.number,
        _body(call),
        who.login,
        app_id=who.app_id if who.kind == "installation" else None,
    )
    view = views.comment(call.github, call.github.comment_table[comment_id])
    return Reply(body=view, status=HTTPStatus.CREATED, headers={"Location": view["url"]})


def get_comment(call: Call) -> Reply:
    """`GET /repos/{owner}/{repo}/issues/comments/{id}`."""
    return Reply(body=views.comment(call.github, _comment(call)))


def update_comment(call: Call) -> Reply:
    """`PATCH /repos/{owner}/{repo}/issues/comments/{id}`."""
    comment = _own_comment(call)
    call.github.edit_comment(comment.id, _body(call), by=call.principal.login)
    return Reply(body=views.comment(call.github, call.github.comment_table[comment.id]))


def delete_comment(call: Call) -> Reply:
    """`DELETE /repos/{owner}/{repo}/issues/comments/{id}`."""
    call.github.delete_comment(_own_comment(call).id, by=call.principal.login)
    return Reply(status=HTTPStatus.NO_CONTENT)


def list_labels(call: Call) -> Reply:
    """`GET /repos/{owner}/{repo}/issues/{number}/labels`."""
    pull = call.pull
    return call.paged(
        pull.labels,
        lambda name: views.label(call.github, pull.repository, call.github.label(pull.repository, name)),
    )


def add_labels(call: Call) -> Reply:
    """`POST /repos/{owner}/{repo}/issues/{number}/labels`: names, or objects with a name, as list or in `labels`."""
    call.pushers_only("Must have push access to the repository to add labels.")
    wanted = call.body if isinstance(call.body, list) else call.required("labels", list)
    names: list[Any] = [one.get("name") if isinstance(one, dict) else one for one in wanted]
    for name in names:
        if not isinstance(name, str) or not name.strip():
            raise unprocessable("Invalid request.\n\nA label needs a name.")
        if len(name) > LONGEST_LABEL:
            raise invalid("Label", "name", f"name is too long (maximum is {LONGEST_LABEL} characters)")
    pull = call.pull
    for name in names:
        call.github.add_label(pull.repository, pull.number, name, sender=call.principal.login)
    return list_labels(call)


def remove_label(call: Call) -> Reply:
    """`DELETE /repos/{owner}/{repo}/issues/{number}/labels/{name}`: the labels that are left."""
    call.pushers_only("Must have push access to the repository to remove labels.")
    pull = call.pull
    try:
        call.github.remove_label(pull.repository, pull.number, call.params["name"], sender=call.principal.login)
    except KeyError:
        raise ApiError(HTTPStatus.NOT_FOUND, "Label does not exist") from None
    return list_labels(call)


def _body(call: Call) -> str:
    body = call.required("body", str)
    if not body.strip():
        raise ApiError(
            HTTPStatus.UNPROCESSABLE_ENTITY,
            "Validation Failed",
            errors=[{"resource": "IssueComment", "code": "missing_field", "field": "body"}],
        )
    if len(body) > LONGEST_BODY:
        raise invalid("IssueComment", "body", f"body is too long (maximum is {LONGEST_BODY} characters)")
    return body


def _comment(call: Call) -> Comment:
    comment = call.github.comment_table.get(call.integer("id"))
    if comment is None or comment.repository != call.repository.full_name:
        raise not_found()
    return comment


def _own_comment(call: Call) -> Comment:
    comment = _comment(call)
    if key(comment.author) != key(call.principal.login):
        call.pushers_only("Must have admin rights to Repository.")
    return comment


ISSUES = "/repos/{owner}/{repo}/issues"
READ, WRITE = "issues:read", "issues:write"

ROUTES = (
    Route(method="GET", path=f"{ISSUES}/{{number}}/comments", handler=list_comments, permission=READ),
    Route(method="POST", path=f"{ISSUES}/{{number}}/comments", handler=create_comment, permission=WRITE),
    Route(method="GET", path=f"{ISSUES}/comments/{{id}}", handler=get_comment, permission=READ),
    Route(method="PATCH", path=f"{ISSUES}/comments/{{id}}", handler=update_comment, permission=WRITE),
    Route(method="DELETE", path=f"{ISSUES}/comments/{{id}}", handler=delete_comment, permission=WRITE),
    Route(method="GET", path=f"{ISSUES}/{{number}}/labels", handler=list_labels, permission=READ),
    Route(method="POST", path=f"{ISSUES}/{{number}}/labels", handler=add_labels, permission=WRITE),
    Route(method="DELETE", path=f"{ISSUES}/{{number}}/labels/{{name}}", handler=remove_label, permission=WRITE),
)
