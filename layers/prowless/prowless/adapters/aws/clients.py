"""The AWS clients of a process: made on first use, kept, with time-outs and bounded retries."""

from __future__ import annotations

import threading
from functools import cache
from typing import TYPE_CHECKING, Any, cast

# botocore alone makes the same clients as boto3 at three quarters of the CPU; boto3 adds only resources.
import botocore.loaders
import botocore.session
from botocore.config import Config

if TYPE_CHECKING:
    from botocore.credentials import Credentials
    from types_boto3_dynamodb.client import DynamoDBClient
    from types_boto3_s3.client import S3Client
    from types_boto3_secretsmanager.client import SecretsManagerClient
    from types_boto3_sqs.client import SQSClient
    from types_boto3_stepfunctions.client import SFNClient
    from types_boto3_sts.client import STSClient

_CONNECT_SECONDS = 2
"""Inside a region a connection takes milliseconds; botocore's 60 s would outlive most functions."""

_CONFIGS = {
    # Four attempts of small calls: a dropped connection after a freeze costs the first, a throttle the second.
    "": {"read_timeout": 5, "retries": {"mode": "standard", "total_max_attempts": 4}},
    # Snapshots and logs are megabytes, not items.
    "s3": {"read_timeout": 20, "retries": {"mode": "standard", "total_max_attempts": 4}},
    # Starts are paced by region (150 to 300 a second). The adaptive mode slows this client down when it is throttled,
    # which needs a client that lives as long as the process.
    "stepfunctions": {"read_timeout": 10, "retries": {"mode": "adaptive", "total_max_attempts": 6}},
    # A cluster's role and endpoint are asked for inside short tasks that the state machine retries.
    "eks": {"read_timeout": 5, "retries": {"mode": "standard", "total_max_attempts": 3}},
}

_made: dict[str, Any] = {}
_lock = threading.Lock()


def config(service: str) -> Config:
    """Time-outs and retries of a service's client."""
    chosen: dict[str, Any] = _CONFIGS.get(service, _CONFIGS[""])
    return Config(connect_timeout=_CONNECT_SECONDS, **chosen)


def dynamodb() -> DynamoDBClient:
    """DynamoDB."""
    return cast("DynamoDBClient", _kept("dynamodb"))


def s3() -> S3Client:
    """S3."""
    return cast("S3Client", _kept("s3"))


def sqs() -> SQSClient:
    """SQS."""
    return cast("SQSClient", _kept("sqs"))


def stepfunctions() -> SFNClient:
    """Step Functions."""
    return cast("SFNClient", _kept("stepfunctions"))


def secretsmanager() -> SecretsManagerClient:
    """Secrets Manager."""
    return cast("SecretsManagerClient", _kept("secretsmanager"))


def sts() -> STSClient:
    """STS, at the region's own endpoint."""
    return cast("STSClient", _kept("sts"))


def eks(region: str, credentials: Credentials) -> Any:
    """EKS in another region or account, with temporary credentials; not kept, because they run out."""
    with _lock:
        return _session().create_client(
            "eks",
            region_name=region,
            aws_access_key_id=credentials.access_key,
            aws_secret_access_key=credentials.secret_key,
            aws_session_token=credentials.token,
            config=config("eks"),
        )


def forget() -> None:
    """Drop session and clients, so that the next ones see this moment's environment: for who starts another stack."""
    with _lock:
        _made.clear()
        _session.cache_clear()


@cache
def _session() -> botocore.session.Session:
    # One for all clients: it reads the list of regions and the credentials once. Called with the lock held.
    session = botocore.session.get_session()
    session.register_component("data_loader", _loader())
    return session


@cache
def _loader() -> botocore.loaders.Loader:
    # Outlives the session: what it keeps are the APIs' models, which no environment changes and which are slow to read.
    return botocore.loaders.create_loader()


def _kept(service: str) -> Any:
    # Handlers share a process, and in the embedded stack also threads; botocore's sessions are not safe for them.
    with _lock:
        if service not in _made:
            _made[service] = _session().create_client(service, config=config(service))
        return _made[service]
