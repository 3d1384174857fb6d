"""Logs as Lambda's operators expect them: one JSON line each, with the ids that belong to it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.logging import utils

if TYPE_CHECKING:
    from prowless.runtime.boundary import Event, Handle

_IDS = ("prowjob", "delivery", "repository", "sha")


def logged(handle: Handle) -> Handle:
    """The handler with Powertools' formatter on our loggers, and the event's ids on every line."""
    logger = Logger()
    utils.copy_config_to_registered_loggers(source_logger=logger, include={"prowless"})

    def with_ids(event: Event, context: Any) -> Any:
        logger.set_correlation_id(getattr(context, "aws_request_id", None))
        logger.append_keys(**{key: event[key] for key in _IDS if isinstance(event.get(key), str)})
        try:
            return handle(event, context)
        finally:
            logger.remove_keys(_IDS)

    return with_ids
