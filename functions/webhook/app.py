"""Accept a GitHub webhook delivery and put it on the queue."""

from prowless.runtime import bootstrap, boundary

handler = boundary.http(bootstrap.accept_webhook)
