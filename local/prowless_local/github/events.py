"""Hooks of a repository, and what every webhook payload carries."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from prowless_local.github.apps import Apps
from prowless_local.github.views import accounts as account_views
from prowless_local.github.views import repositories as repository_views
from prowless_local.github.world import key

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from prowless_local.github.hooks import Delivery, Hook
    from prowless_local.github.records import Installation, Repository

FLUSH_SECONDS = 60.0


class Events(Apps):
    """Webhooks."""

    def add_hook(self, url: str, secret: str, events: Iterable[str] = ("*",), scope: str = "app") -> int:
        """Send events to a URL; the hook's id.

        Args:
            url: Where deliveries are posted.
            secret: Signs them; an empty one leaves them unsigned.
            events: GitHub's event names, or `*`.
            scope: `app` (the App, when there is just one), `app:<id>`, `org/repo` or `org`.

        Raises:
            KeyError: The organisation or repository does not exist.
            ValueError: There is no App, or more than one and the scope does not say which.
        """
        if scope == "app":
            if len(self.apps) != 1:
                raise ValueError(f"scope 'app' needs exactly one App, there are {len(self.apps)}: use 'app:<id>'")
            target = next(iter(self.apps))
            scope = f"app:{target}"
        elif scope.startswith("app:"):
            target = int(scope.removeprefix("app:"))
            if target not in self.apps:
                raise ValueError(f"there is no App {target}: create_app first")
        elif "/" in scope:
            target, scope = self.repository(scope).id, self.repository(scope).full_name
        else:
            target, scope = self.account(scope).id, self.account(scope).login
        return self.hooks.add(url, secret, tuple(events), scope=scope, target_id=target).id

    def drop_next_deliveries(self, count: int) -> None:
        """Lose the next deliveries, each of one event to one hook: GitHub never sends nor lists them."""
        self.hooks.drop_next(count)

    def deliveries(self, hook_id: int | None = None) -> list[Delivery]:
        """Attempts of the last three days, newest first, of one hook or all."""
        return self.hooks.deliveries(None if hook_id is None else {hook_id})

    def redeliver(self, guid: str) -> None:
        """Send a delivery again under the same GUID, as the button on GitHub's page does.

        Raises:
            KeyError: No delivery of that GUID was attempted in the last three days.
        """
        for delivery in self.hooks.deliveries():
            if delivery.guid == guid:
                self.hooks.redeliver(delivery)
                return
        raise KeyError(f"the fake GitHub has attempted no delivery {guid}")

    def flush(self, timeout_seconds: float = FLUSH_SECONDS) -> None:
        """Wait until every queued delivery has been attempted.

        Raises:
            TimeoutError: Some have not been within the time.
        """
        self.hooks.flush(timeout_seconds)

    def emit(self, event: str, repository: Repository, payload: Mapping[str, Any], *, sender: str) -> None:
        """Queue an event for every hook that wants it; each App's own carries its installation."""
        targets = self._targets(event, repository)
        if not targets:
            return
        pushed = repository_views.pushed_repository if event == "push" else repository_views.repository
        body = {**payload, "repository": pushed(self, repository)}
        owner = self.account(repository.owner)
        if owner.type == "Organization":
            body["organization"] = account_views.organization(self, owner)
        body["sender"] = account_views.simple_user(self, self.create_user(sender).login)
        for hook, installation in targets:
            ids = {}
            if installation is not None:
                node = account_views.node_id("Installation", installation.id)
                ids = {"installation": {"id": installation.id, "node_id": node}}
            self.hooks.enqueue(
                hook,
                event,
                {**body, **ids},
                installation_id=installation.id if installation else None,
                repository_id=repository.id,
            )

    def is_heard(self, event: str, repository: Repository) -> bool:
        """Whether any hook wants the event, so that a costly payload can be spared."""
        return bool(self._targets(event, repository))

    def _targets(self, event: str, repository: Repository) -> list[tuple[Hook, Installation | None]]:
        wanting = [(hook, self._installation(hook, repository)) for hook in self.hooks.all() if hook.wants(event)]
        return [(hook, one) for hook, one in wanting if _hears(hook, one, repository)]

    def _installation(self, hook: Hook, repository: Repository) -> Installation | None:
        if not hook.scope.startswith("app:"):
            return None
        return self.installation_of(int(hook.scope.removeprefix("app:")), repository.owner)


def _hears(hook: Hook, installation: Installation | None, repository: Repository) -> bool:
    if hook.scope.startswith("app:"):
        return installation is not None
    return key(hook.scope) in {key(repository.full_name), key(repository.owner)}
