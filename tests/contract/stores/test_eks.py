from __future__ import annotations

import base64
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import pytest
from botocore.exceptions import ClientError
from tests.fakes.clock import FixedClock

from prowless.adapters.aws.eks import EksAccess
from prowless.domain.clusters import Cluster
from prowless.domain.errors import PermanentError

if TYPE_CHECKING:
    from botocore.credentials import Credentials

CLUSTER = Cluster(alias="build", eks="ci-1", region="eu-west-1", account="111122223333")
CA = "-----BEGIN CERTIFICATE-----\nMII\n-----END CERTIFICATE-----\n"


class Sts:
    """STS in memory: remembers what roles were assumed."""

    meta = SimpleNamespace(endpoint_url="https://sts.us-east-1.amazonaws.com", region_name="us-east-1")

    def __init__(self) -> None:
        self.assumed: list[dict[str, Any]] = []
        self.denied = False

    def assume_role(self, **parameters: Any) -> Any:
        if self.denied:
            raise ClientError({"Error": {"Code": "AccessDenied", "Message": "no"}}, "AssumeRole")
        self.assumed.append(parameters)
        number = len(self.assumed)
        return {
            "Credentials": {
                "AccessKeyId": f"ASIA{number}",
                "SecretAccessKey": "secret-key",
                "SessionToken": f"session-{number}",
            }
        }

    def get_caller_identity(self) -> Any:
        return {"Account": "999988887777"}


class Eks:
    """EKS in memory; remembers with which credentials it was asked."""

    def __init__(self, answer: dict[str, Any]) -> None:
        self.answer = answer
        self.asked: list[tuple[str, str]] = []

    def __call__(self, region: str, credentials: Credentials) -> Eks:
        self.asked.append((region, credentials.access_key))
        return self

    def describe_cluster(self, *, name: str) -> Any:
        return {"cluster": {"name": name, **self.answer}}


def eks(**answer: Any) -> Eks:
    data = {"data": base64.b64encode(CA.encode()).decode()}
    return Eks({"endpoint": "https://ABC.eks.example", "certificateAuthority": data, "status": "ACTIVE"} | answer)


@pytest.fixture
def sts() -> Sts:
    return Sts()


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock()


@pytest.fixture
def access(sts: Sts, clock: FixedClock) -> EksAccess:
    return EksAccess("ext-1", clock, sts=sts, eks=eks())


def signed_url(token: str) -> str:
    prefix, _, encoded = token.partition(".")
    assert prefix == "k8s-aws-v1"
    assert "=" not in encoded
    return base64.urlsafe_b64decode(encoded + "=" * (-len(encoded) % 4)).decode()


def test_the_token_is_a_presigned_identity_request_bound_to_the_cluster(access: EksAccess) -> None:
    url = urlsplit(signed_url(access.token(CLUSTER)))
    query = {name: value for name, (value,) in parse_qs(url.query).items()}
    assert (url.scheme, url.netloc, url.path) == ("https", "sts.us-east-1.amazonaws.com", "/")
    assert (query["Action"], query["Version"]) == ("GetCallerIdentity", "2011-06-15")
    assert query["X-Amz-Expires"] == "60"
    assert query["X-Amz-SignedHeaders"] == "host;x-k8s-aws-id"
    assert query["X-Amz-Security-Token"] == "session-1"
    assert query["X-Amz-Credential"].startswith("ASIA1/")
    assert query["X-Amz-Credential"].endswith("/us-east-1/sts/aws4_request")
    assert len(query["X-Amz-Signature"]) == 64


def test_the_cluster_name_is_part_of_the_signature(access: EksAccess) -> None:
    one, other = (
        access.token(Cluster(alias="build", eks=name, region="eu-west-1", account="1")) for name in ("a", "b")
    )
    signatures = [parse_qs(urlsplit(signed_url(token)).query)["X-Amz-Signature"] for token in (one, other)]
    assert signatures[0] != signatures[1]


def test_the_clusters_role_is_assumed_with_external_id_and_tags(access: EksAccess, sts: Sts) -> None:
    access.of_run(job="unit tests!", repository="acme/rocket", trust="untrusted").token(CLUSTER)
    assert sts.assumed == [
        {
            "RoleArn": "arn:aws:iam::111122223333:role/prowless-cluster-build",
            "RoleSessionName": "prowless-unit-tests-",
            "DurationSeconds": 3600,
            "Tags": [
                {"Key": "job", "Value": "unit tests-"},
                {"Key": "repository", "Value": "acme/rocket"},
                {"Key": "trust", "Value": "untrusted"},
            ],
            "ExternalId": "ext-1",
        }
    ]


def test_names_of_roles_sessions_are_bounded(access: EksAccess, sts: Sts) -> None:
    access.of_run(job="j" * 300, repository="", trust="").token(CLUSTER)
    assert len(sts.assumed[0]["RoleSessionName"]) == 64
    assert len(sts.assumed[0]["Tags"][0]["Value"]) == 256


def test_an_empty_account_is_the_stacks_own(access: EksAccess, sts: Sts) -> None:
    access.token(Cluster(alias="build", eks="ci-1", region="eu-west-1"))
    assert sts.assumed[0]["RoleArn"] == "arn:aws:iam::999988887777:role/prowless-cluster-build"


def test_tokens_and_credentials_are_kept_while_they_are_good(access: EksAccess, sts: Sts, clock: FixedClock) -> None:
    first = access.token(CLUSTER)
    clock.advance(599_999)
    assert access.token(CLUSTER) == first
    clock.advance(39 * 60_000 - 599_999)
    access.token(CLUSTER)
    assert len(sts.assumed) == 1
    clock.advance(11 * 60_000)
    assert "session-2" in signed_url(access.token(CLUSTER))
    assert len(sts.assumed) == 2


def test_runs_share_no_credentials(access: EksAccess) -> None:
    one = access.of_run(job="a", repository="acme/rocket", trust="trusted").token(CLUSTER)
    other = access.of_run(job="a", repository="acme/rocket", trust="untrusted").token(CLUSTER)
    same = access.of_run(job="a", repository="acme/rocket", trust="trusted").token(CLUSTER)
    assert one == same != other


def test_a_configured_server_is_used_as_it_is(access: EksAccess, sts: Sts) -> None:
    cluster = Cluster(alias="build", server="https://10.0.0.1", ca=CA)
    assert access.endpoint(cluster) == ("https://10.0.0.1", CA)
    assert sts.assumed == []


def test_eks_is_asked_with_the_clusters_role(sts: Sts, clock: FixedClock) -> None:
    asked = eks()
    access = EksAccess("ext-1", clock, sts=sts, eks=asked)
    assert access.endpoint(CLUSTER) == ("https://ABC.eks.example", CA)
    assert access.endpoint(CLUSTER) == ("https://ABC.eks.example", CA)
    assert asked.asked == [("eu-west-1", "ASIA1")]


@pytest.mark.parametrize("answer", [{"certificateAuthority": {}}, {"certificateAuthority": {"data": "%%%"}}])
def test_a_cluster_that_is_not_ready_is_permanent(sts: Sts, clock: FixedClock, answer: dict[str, Any]) -> None:
    access = EksAccess("ext-1", clock, sts=sts, eks=eks(status="CREATING", **answer))
    with pytest.raises(PermanentError, match=r"EKS cluster ci-1 in eu-west-1 has no usable endpoint.*CREATING"):
        access.endpoint(CLUSTER)


def test_a_cluster_without_a_way_says_what_to_set(access: EksAccess) -> None:
    with pytest.raises(PermanentError, match="names no EKS cluster"):
        access.token(Cluster(alias="build", server="https://10.0.0.1"))
    with pytest.raises(PermanentError, match="neither `server` nor `eks`"):
        access.endpoint(Cluster(alias="build"))


def test_a_denied_role_is_named(access: EksAccess, sts: Sts) -> None:
    sts.denied = True
    with pytest.raises(PermanentError, match="role/prowless-cluster-build: AssumeRole denied"):
        access.token(CLUSTER)
