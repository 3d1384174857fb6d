"""Compile the configuration of a source repository into the snapshot."""

from prowless.runtime import bootstrap, boundary

handler = boundary.schedule(bootstrap.sync_config)
