"""Compile the configuration of a source repository into the snapshot."""

from prowless.runtime import bootstrap, boundary

handler = boundary.persistent_queue(bootstrap.sync_config)
