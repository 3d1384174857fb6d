"""Render the manifest of a run and judge it by the policy."""

from prowless.runtime import bootstrap, boundary

handler = boundary.task(bootstrap.prepare_run)
