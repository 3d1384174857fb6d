"""The way to clusters on EKS: the cluster's role, a presigned STS request as token, and the API's address."""

from __future__ import annotations

import base64
import binascii
import re
import threading
from typing import TYPE_CHECKING, Any, TypeVar

from botocore.auth import SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from prowless.domain.errors import PermanentError

from . import clients
from .errors import translated

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from types_boto3_sts.client import STSClient

    from prowless.domain.clusters import Cluster
    from prowless.ports.clock import Clock

T = TypeVar("T")

ROLE_PREFIX = "prowless-cluster-"

_ROLE_SECONDS = 3600
"""The longest session of a role that is assumed by another role."""

_ROLE_KEPT_MS = (_ROLE_SECONDS - 20 * 60) * 1000
"""The last token signed with these credentials is used for ten minutes more, and they end ten minutes after that."""

_TOKEN_SECONDS = 60
"""X-Amz-Expires as `aws eks get-token` signs it; EKS itself accepts a token for 15 minutes after its date."""

_TOKEN_KEPT_MS = 10 * 60 * 1000
_ENDPOINT_KEPT_MS = 10 * 60 * 1000
_OWN_ACCOUNT_KEPT_MS = 24 * 3600 * 1000
_KEPT_ENTRIES = 256
"""A long-lived environment serves many jobs; the oldest entries go first."""

_NOT_IN_TAGS = re.compile(r"[^\w .:/=+@-]")
_NOT_IN_SESSION_NAMES = re.compile(r"[^A-Za-z0-9_=,.@-]")
_TAG_VALUE_LIMIT = 256
_SESSION_NAME_LIMIT = 64


class Kept:
    """Values until a time, by key. Safe for threads; two that miss at once may both make the value."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._values: dict[Any, tuple[int, Any]] = {}
        self._lock = threading.Lock()

    def get(self, key: Any, keep_ms: int, make: Callable[[], T]) -> T:
        """The value of a key, made anew when it is older than `keep_ms`."""
        now = self._clock.now_ms()
        with self._lock:
            until, value = self._values.get(key, (0, None))
        if now < until:
            kept: T = value
            return kept
        made = make()
        with self._lock:
            self._values.pop(key, None)
            self._values[key] = (now + keep_ms, made)
            while len(self._values) > _KEPT_ENTRIES:
                del self._values[next(iter(self._values))]
        return made


class EksAccess:
    """Tokens and addresses of clusters. Credentials, tokens and addresses are kept for as long as they are good.

    The role `prowless-cluster-<alias>` is assumed with the external id and, for `of_run`, session tags; its trust
    policy must allow `sts:AssumeRole` and `sts:TagSession`, and the cluster must map the role to a Kubernetes user.
    """

    def __init__(
        self,
        external_id: str,
        clock: Clock,
        *,
        tags: Mapping[str, str] | None = None,
        kept: Kept | None = None,
        sts: STSClient | None = None,
        eks: Callable[[str, Credentials], Any] = clients.eks,
    ) -> None:
        """`sts` and `eks(region, credentials)` make the process's own clients unless given."""
        self._external_id = external_id
        self._clock = clock
        self._tags = {name: _NOT_IN_TAGS.sub("-", value)[:_TAG_VALUE_LIMIT] for name, value in (tags or {}).items()}
        self._kept = kept or Kept(clock)
        self._given_sts = sts
        self._eks = eks

    def of_run(self, *, job: str, repository: str, trust: str) -> EksAccess:
        """The same access in the name of a run: policies and CloudTrail see its job, repository and trust."""
        return EksAccess(
            self._external_id,
            self._clock,
            tags={"job": job, "repository": repository, "trust": trust},
            kept=self._kept,
            sts=self._given_sts,
            eks=self._eks,
        )

    def token(self, cluster: Cluster) -> str:
        """A bearer token for the cluster's API, good for at least five minutes; it is a secret.

        Raises:
            PermanentError: the cluster names no EKS cluster, or its role may not be assumed.
            RetryableError: STS does not answer.
        """
        if not cluster.eks:
            raise PermanentError(
                f"cluster {cluster.alias} names no EKS cluster, so there is no token for it; set `eks` and `region`"
            )
        return self._kept.get(("token", *self._key(cluster)), _TOKEN_KEPT_MS, lambda: self._signed(cluster))

    def endpoint(self, cluster: Cluster) -> tuple[str, str]:
        """(server, CA in PEM) of the cluster's API: as configured, else as EKS describes it.

        In a VPC without a way to EKS's own API, configure `server` and `ca`.

        Raises:
            PermanentError: neither `server` nor `eks` is configured, or the role may not describe the cluster.
            RetryableError: STS or EKS does not answer.
        """
        if cluster.server:
            return cluster.server, cluster.ca
        if not cluster.eks:
            raise PermanentError(f"cluster {cluster.alias} has neither `server` nor `eks` in the central configuration")
        return self._kept.get(("endpoint", *self._key(cluster)), _ENDPOINT_KEPT_MS, lambda: self._described(cluster))

    def credentials(self, cluster: Cluster) -> Credentials:
        """Temporary credentials of the cluster's role, good for at least 20 minutes."""
        return self._kept.get(("role", *self._key(cluster)), _ROLE_KEPT_MS, lambda: self._assumed(cluster))

    def _key(self, cluster: Cluster) -> tuple[Any, ...]:
        return (cluster.alias, cluster.account, cluster.region, cluster.eks, *sorted(self._tags.items()))

    @property
    def _sts(self) -> STSClient:
        return self._given_sts or clients.sts()

    def _assumed(self, cluster: Cluster) -> Credentials:
        arn = f"arn:aws:iam::{cluster.account or self._own_account()}:role/{ROLE_PREFIX}{cluster.alias}"
        session = _NOT_IN_SESSION_NAMES.sub("-", f"prowless-{self._tags.get('job', cluster.alias)}")
        parameters: dict[str, Any] = {
            "RoleArn": arn,
            "RoleSessionName": session[:_SESSION_NAME_LIMIT],
            "DurationSeconds": _ROLE_SECONDS,
            "Tags": [{"Key": name, "Value": value} for name, value in self._tags.items()],
        }
        if self._external_id:
            parameters["ExternalId"] = self._external_id
        with translated(f"role {arn}"):
            made = self._sts.assume_role(**parameters)["Credentials"]
        return Credentials(made["AccessKeyId"], made["SecretAccessKey"], made["SessionToken"])

    def _own_account(self) -> str:
        def ask() -> str:
            with translated("STS"):
                return self._sts.get_caller_identity()["Account"]

        return self._kept.get("account", _OWN_ACCOUNT_KEPT_MS, ask)

    def _signed(self, cluster: Cluster) -> str:
        # A presigned GetCallerIdentity: the cluster's authenticator sends it and learns who signed. The header binds it
        # to this cluster (kubernetes-sigs/aws-iam-authenticator, README, "API Authorization from Outside a Cluster").
        meta = self._sts.meta
        request = AWSRequest(
            method="GET",
            url=f"{meta.endpoint_url.rstrip('/')}/?Action=GetCallerIdentity&Version=2011-06-15",
            headers={"x-k8s-aws-id": cluster.eks},
        )
        SigV4QueryAuth(self.credentials(cluster), "sts", meta.region_name, expires=_TOKEN_SECONDS).add_auth(request)
        return "k8s-aws-v1." + base64.urlsafe_b64encode(f"{request.url}".encode()).decode().rstrip("=")

    def _described(self, cluster: Cluster) -> tuple[str, str]:
        region = cluster.region or self._sts.meta.region_name
        subject = f"EKS cluster {cluster.eks} in {region}"
        with translated(subject):
            answer = self._eks(region, self.credentials(cluster)).describe_cluster(name=cluster.eks)["cluster"]
        try:
            return answer["endpoint"], base64.b64decode(answer["certificateAuthority"]["data"], validate=True).decode()
        except (KeyError, binascii.Error, UnicodeDecodeError) as exc:
            status = answer.get("status", "unknown")
            raise PermanentError(f"{subject} has no usable endpoint and CA yet (status {status})") from exc
