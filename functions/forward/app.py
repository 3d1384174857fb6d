"""Bring a stored delivery to an external plugin."""

from prowless.runtime import bootstrap, boundary

handler = boundary.persistent_queue(bootstrap.forward_delivery)
