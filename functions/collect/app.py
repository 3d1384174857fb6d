"""Bring the logs and records of a finished run to the artifact bucket."""

from prowless.runtime import bootstrap, boundary

handler = boundary.task(bootstrap.collect_run)
