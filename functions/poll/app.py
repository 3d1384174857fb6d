"""Look at a run, and end the wait if there is something to do."""

from prowless.runtime import bootstrap, boundary

handler = boundary.task(bootstrap.poll_run)
