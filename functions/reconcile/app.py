"""Finish ProwJobs whose execution died, and repair what events missed."""

from prowless.runtime import bootstrap, boundary

handler = boundary.schedule(bootstrap.reconcile)
