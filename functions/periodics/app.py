"""Start the periodics whose time has come."""

from prowless.runtime import bootstrap, boundary

handler = boundary.schedule(bootstrap.start_periodics)
