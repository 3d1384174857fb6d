"""Let waiting runs in as limits permit; the only writer of counters."""

from prowless.runtime import bootstrap, boundary

handler = boundary.queue(bootstrap.admit_runs)
