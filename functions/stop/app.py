"""Bring a run to an orderly end."""

from prowless.runtime import bootstrap, boundary

handler = boundary.task(bootstrap.stop_run)
