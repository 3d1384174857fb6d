"""The API server's errors: `metav1.Status` bodies with the reasons and sentences that clients look for."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from prowless_local.cluster.objects import Obj
    from prowless_local.cluster.resources import Resource


class ApiError(Exception):
    """A request that the API server refuses. `code` is the HTTP status, `reason` the machine-readable word."""

    def __init__(self, code: int, reason: str, message: str, details: Obj | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.reason = reason
        self.message = message
        self.details = details

    def body(self) -> Obj:
        """The `Status` object that goes over the wire."""
        status: Obj = {
            "kind": "Status",
            "apiVersion": "v1",
            "metadata": {},
            "status": "Failure",
            "message": self.message,
            "reason": self.reason,
            "code": self.code,
        }
        if self.details:
            status["details"] = self.details
        return status


def bad_request(message: str) -> ApiError:
    """400: the request itself makes no sense."""
    return ApiError(400, "BadRequest", message)


def unauthorized() -> ApiError:
    """401: no bearer token, or another one."""
    return ApiError(401, "Unauthorized", "Unauthorized")


def no_such_path() -> ApiError:
    """404 for a path or kind that the API does not have."""
    return ApiError(404, "NotFound", "the server could not find the requested resource", {})


def not_found(resource: Resource, name: str) -> ApiError:
    """404 for an object."""
    return ApiError(404, "NotFound", f'{resource.qualified} "{name}" not found', _details(resource, name))


def already_exists(resource: Resource, name: str) -> ApiError:
    """409 for a create under a taken name."""
    return ApiError(409, "AlreadyExists", f'{resource.qualified} "{name}" already exists', _details(resource, name))


def conflict(resource: Resource, name: str, why: str = "") -> ApiError:
    """409 for a write based on an older version."""
    why = why or "the object has been modified; please apply your changes to the latest version and try again"
    message = f'Operation cannot be fulfilled on {resource.qualified} "{name}": {why}'
    return ApiError(409, "Conflict", message, _details(resource, name))


def expired(version: int, oldest: int) -> ApiError:
    """410 for a watch or a list page from a version that is no longer kept."""
    return ApiError(410, "Expired", f"too old resource version: {version} ({oldest})")


def unsupported_media(content_type: str, accepted: Sequence[str]) -> ApiError:
    """415 for a patch format that the resource does not take."""
    message = (
        "the body of the request was in an unknown format - accepted media types include: "
        f"{', '.join(accepted)} (got {content_type or 'none'})"
    )
    return ApiError(415, "UnsupportedMediaType", message)


def invalid(resource: Resource, name: str, causes: Sequence[Cause]) -> ApiError:
    """422 with the fields that are wrong."""
    kind = f"{resource.kind}.{resource.group}" if resource.group else resource.kind
    listed = [f"{cause.field}: {cause.message}" for cause in causes]
    text = listed[0] if len(listed) == 1 else f"[{', '.join(listed)}]"
    details = {"name": name, "kind": resource.kind}
    if resource.group:
        details["group"] = resource.group
    body: Obj = {**details, "causes": [cause.body() for cause in causes]}
    return ApiError(422, "Invalid", f'{kind} "{name}" is invalid: {text}', body)


class Cause:
    """One wrong field of a 422."""

    def __init__(self, field: str, message: str, reason: str = "FieldValueInvalid") -> None:
        self.field = field
        self.message = message
        self.reason = reason

    def body(self) -> Obj:
        """As `details.causes` lists it."""
        return {"reason": self.reason, "message": self.message, "field": self.field}


def required(field: str, why: str = "") -> Cause:
    """A field that must be there."""
    return Cause(field, f"Required value{': ' + why if why else ''}", "FieldValueRequired")


def wrong(field: str, value: object, why: str) -> Cause:
    """A field with a value that it cannot have."""
    shown = f'"{value}"' if isinstance(value, str) else str(value)
    return Cause(field, f"Invalid value: {shown}: {why}")


def forbidden_field(field: str, why: str) -> Cause:
    """A field that may not be set or changed."""
    return Cause(field, f"Forbidden: {why}", "FieldValueForbidden")


def _details(resource: Resource, name: str) -> Obj:
    details = {"name": name, "kind": resource.plural}
    if resource.group:
        details["group"] = resource.group
    return details
