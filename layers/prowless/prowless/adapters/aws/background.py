"""Work that another function does, started without waiting for it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from .errors import translated

if TYPE_CHECKING:
    from types_boto3_lambda.client import LambdaClient


class LambdaBackground:
    """`Background` over Lambda's asynchronous invocation: Lambda queues it, tries three times, then its DLQ has it."""

    def __init__(self, client: LambdaClient, config_sync: str) -> None:
        """`config_sync` is the function's name or ARN."""
        self._client = client
        self._config_sync = config_sync

    def sync_config(self, repository: str, sha: str) -> None:
        """Have the configuration of a source repository compiled at a commit; doing it twice is harmless."""
        payload = json.dumps({"repository": repository, "sha": sha}).encode()
        with translated(f"Lambda function {self._config_sync}"):
            self._client.invoke(FunctionName=self._config_sync, InvocationType="Event", Payload=payload)
