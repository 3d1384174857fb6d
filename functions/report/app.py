"""Tell GitHub where a run stands."""

from prowless.runtime import bootstrap, boundary

handler = boundary.task(bootstrap.report_run)
