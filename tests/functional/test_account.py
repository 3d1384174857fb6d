"""Commands that ask AWS, on a machine where AWS is not set up: one line, and no traceback."""

import pytest

from prowless_local import cli

URL = "https://github.com/acme/app/pull/3"
GUID = "72d3162e-cc78-11e3-81ab-4c9367dc0958"
COMMANDS = {
    "url": ["explain", "--url", URL, "--stack", "prowless"],
    "url of a bucket": ["explain", "--url", URL, "--bucket", "state", "--table", "deliveries"],
    "stored": ["explain", "--stored", GUID, "--bucket", "state"],
    "periodic": ["explain", "--periodic", "nightly", "--bucket", "state"],
    "status": ["config", "status", "--bucket", "state"],
    "push": ["config", "push", "--bucket", "state", "examples/quickstart/config"],
}


@pytest.fixture(autouse=True)
def nothing_set_up(monkeypatch, tmp_path):
    for name in ("REGION", "DEFAULT_REGION", "PROFILE", "ENDPOINT_URL", "ACCESS_KEY_ID", "SECRET_ACCESS_KEY"):
        monkeypatch.delenv(f"AWS_{name}", raising=False)
    for name in ("CONFIG_FILE", "SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(f"AWS_{name}", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setattr("boto3.DEFAULT_SESSION", None)


@pytest.mark.parametrize("name", ["url", "url of a bucket"])  # S3 alone needs none
def test_a_missing_region_is_one_line_that_says_what_to_set(capsys, name):
    assert cli.main(COMMANDS[name]) == 2
    assert capsys.readouterr().err == "no AWS region: set AWS_REGION or give --region\n"


@pytest.mark.parametrize("name", COMMANDS)
def test_missing_credentials_are_told(capsys, monkeypatch, name):
    monkeypatch.setenv("AWS_REGION", "eu-west-1")
    assert cli.main(COMMANDS[name]) == 2
    assert "Unable to locate credentials" in capsys.readouterr().err


def test_the_region_can_be_an_option(capsys):
    assert cli.main([*COMMANDS["status"], "--region", "eu-west-1"]) == 2
    assert "Unable to locate credentials" in capsys.readouterr().err


def test_a_profile_that_is_not_there_is_told(capsys, monkeypatch):
    monkeypatch.setenv("AWS_PROFILE", "nobody")
    assert cli.main(COMMANDS["status"]) == 2
    assert capsys.readouterr().err.endswith("The config profile (nobody) could not be found\n")
