"""A stateful fake of GitHub: real git repositories, the REST calls we make, signed webhooks, pages for a browser."""

from prowless_local.github.fake import FakeGitHub
from prowless_local.github.hooks import Delivery, Hook, signature
from prowless_local.github.records import (
    App,
    Change,
    CheckRun,
    Comment,
    FaultResponse,
    MergeGroup,
    Pull,
    Repository,
    RequestRecord,
    Status,
)

__all__ = [
    "App",
    "Change",
    "CheckRun",
    "Comment",
    "Delivery",
    "FakeGitHub",
    "FaultResponse",
    "Hook",
    "MergeGroup",
    "Pull",
    "Repository",
    "RequestRecord",
    "Status",
    "signature",
]
