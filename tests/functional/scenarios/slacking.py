"""A world with a Slack: its token's secret, and where its API is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from moto.secretsmanager.models import secretsmanager_backends

from prowless_local.template import ACCOUNT, REGION

if TYPE_CHECKING:
    from tests.fakes.slack import SlackServer
    from tests.functional.scenarios.world import World

TOKEN = "xoxb-1"
_ARN = f"arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret:slack-AbCdEf"


def told_to(slack: SlackServer) -> dict[str, Any]:
    """Options of a stack that posts there."""
    return {"parameters": {"SlackTokenSecretArn": _ARN}, "slack_url": slack.url}


def give_token(world: World) -> None:
    """Make the secret that the stack's parameter names."""
    world.aws.client("secretsmanager").create_secret(Name="slack", SecretString=TOKEN)
    secretsmanager_backends[ACCOUNT][REGION].secrets.get("slack").arn = _ARN  # moto's own ends in random letters
