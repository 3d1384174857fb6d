"""Create the run's object on its cluster, once."""

from prowless.runtime import bootstrap, boundary

handler = boundary.task(bootstrap.submit_run)
