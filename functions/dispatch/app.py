"""Decide what a delivery starts, and carry it out."""

from prowless.runtime import bootstrap, boundary

handler = boundary.queue(bootstrap.dispatch_delivery)
