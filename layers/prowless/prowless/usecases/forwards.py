"""dispatch's first step: ask that a delivery is forwarded to the external plugins of its repository."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from prowless.domain.external_plugins import Forward

if TYPE_CHECKING:
    from prowless.domain.external_plugins import ExternalPlugin
    from prowless.ports.clock import Clock
    from prowless.ports.config import ConfigSource
    from prowless.ports.flow import ForwardQueue
    from prowless.ports.stores import Deliveries, Delivery

log = logging.getLogger(__name__)


def external_plugins(
    config: ConfigSource, event: str, repository: str, organization: str
) -> tuple[ExternalPlugin, ...]:
    """Who gets an event of a repository, or of an organisation, by the configuration in force.

    Events of an organisation go to its plugins. Prow forwards none of them, as they name no repository
    (`pkg/hook/server.go:218`).
    """
    if repository:
        plugins = config.repository(repository).external_plugins
    elif organization:
        plugins = config.central().plugins.external_for(organization)
    else:
        plugins = ()
    return tuple(plugin for plugin in plugins if plugin.wants(event))


class RequestForwards:
    """Puts one message for each plugin on the queue. A repeated call repeats only what may have been lost."""

    def __init__(self, *, config: ConfigSource, deliveries: Deliveries, queue: ForwardQueue, clock: Clock) -> None:
        """Nothing is read before the first delivery."""
        self._config = config
        self._deliveries = deliveries
        self._queue = queue
        self._clock = clock

    def __call__(self, delivery: Delivery) -> None:
        """Request the delivery's forwards; of one that dispatch is done with, those that were given up.

        Raises:
            RetryableError: AWS failed; call again.
            ConfigError: the configuration was made by a newer release.
        """
        plugins = external_plugins(self._config, delivery.event, delivery.repository, delivery.organization)
        if not plugins:
            return
        now = self._clock.now_ms()
        if not delivery.forwards:
            queued = Forward(state="queued", at=now)
            self._deliveries.open_forwards(delivery.guid, {plugin.name: queued for plugin in plugins})
        for plugin in plugins:
            known = delivery.forwards.get(plugin.name)
            unsent = not delivery.outcome and (known is None or known.state == "queued")
            if unsent or (known is not None and known.given_up(now)):
                self._queue.send(delivery.guid, plugin.name)
                log.info("forward requested", extra={"delivery": delivery.guid, "plugin": plugin.name})
