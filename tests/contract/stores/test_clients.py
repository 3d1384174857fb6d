from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from tests.contract.stores.backends import REGION
from tests.contract.stores.samples import together

from prowless.adapters.aws import clients

if TYPE_CHECKING:
    from collections.abc import Iterator

SERVICES = ["dynamodb", "s3", "sqs", "stepfunctions", "secretsmanager", "sts", "eks"]


@pytest.fixture
def fresh(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The process's clients, made anew and forgotten afterwards."""
    monkeypatch.setenv("AWS_DEFAULT_REGION", REGION)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    clients.forget()
    yield
    clients.forget()


@pytest.mark.parametrize("service", SERVICES)
def test_waits_and_retries_are_bounded(service: str) -> None:
    config = clients.config(service)
    assert config.connect_timeout <= 5
    assert config.read_timeout <= 30
    assert config.retries["mode"] in {"standard", "adaptive"}
    assert 2 <= config.retries["total_max_attempts"] <= 6


@pytest.mark.usefixtures("fresh")
def test_a_client_is_made_once_for_all_threads() -> None:
    made = together([clients.sqs] * 4)
    assert len({id(one) for one in made}) == 1
    assert made[0].meta.config.connect_timeout == 2


@pytest.mark.usefixtures("fresh")
def test_forgotten_clients_see_a_new_endpoint(monkeypatch: pytest.MonkeyPatch) -> None:
    before = clients.sqs()
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:4")
    assert clients.sqs() is before
    clients.forget()
    assert clients.sqs().meta.endpoint_url == "http://127.0.0.1:4"


@pytest.mark.usefixtures("fresh")
def test_every_service_has_its_client() -> None:
    made = [
        clients.dynamodb(),
        clients.s3(),
        clients.sqs(),
        clients.stepfunctions(),
        clients.secretsmanager(),
        clients.sts(),
    ]
    names = [one.meta.service_model.service_name for one in made]
    assert names == ["dynamodb", "s3", "sqs", "stepfunctions", "secretsmanager", "sts"]


def test_the_adapters_import_neither_boto3_nor_resources() -> None:
    """boto3 costs a third more than botocore at a cold start and adds nothing we use."""
    names = ("control", "deliveries", "eks", "machine", "objects", "prowjobs", "queues", "secrets")
    code = "\n".join(["import sys", *(f"import prowless.adapters.aws.{name}" for name in names)])
    code += "\nprint([name for name in ('boto3', 'yaml', 'cryptography', 'kubernetes') if name in sys.modules])"
    environment = {"PYTHONPATH": ":".join(path for path in sys.path if path)}
    answer = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True, env=environment)
    assert answer.stdout.strip() == "[]"
