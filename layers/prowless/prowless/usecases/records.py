"""The files beside a run's artifacts that our functions write: started, finished, prowjob and the newest build."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from prowless.domain import layout
from prowless.domain.layout import Layout

if TYPE_CHECKING:
    from collections.abc import Mapping

    from prowless.domain.prowjob import ProwJob, ProwJobSpec
    from prowless.ports.clock import Clock
    from prowless.ports.stores import Artifacts, Objects


class Records:
    """Writes Prow's record files into the bucket that the job names."""

    def __init__(self, *, artifacts: Artifacts, clock: Clock) -> None:
        """The empty bucket name is the stack's own."""
        self._artifacts = artifacts
        self._clock = clock

    def place(self, spec: ProwJobSpec, job: ProwJob) -> tuple[Objects, str]:
        """The bucket and folder of a run."""
        return self._artifacts.bucket(_bucket_name(spec)), Layout.from_decoration(spec.decoration_config).run(job)

    def url(self, spec: ProwJobSpec, job: ProwJob, prefix: str, *, provider: bool = True) -> str:
        """The address of the run's page below a `job_url_prefix`; `provider` puts `s3` before the bucket."""
        bucket, folder = self.place(spec, job)
        return layout.job_url(prefix, bucket.name, folder, provider=provider)

    def started(self, spec: ProwJobSpec, job: ProwJob) -> None:
        """`started.json`, `prowjob.json` and a presubmit's alias; a repeated call changes nothing that was said."""
        bucket, folder = self.place(spec, job)
        begun = layout.started(spec, job.pending_at or self._clock.now_ms())
        bucket.put(f"{folder}/started.json", _json(begun), "application/json", only_if_absent=True)
        bucket.put(f"{folder}/prowjob.json", _json(self._prowjob(spec, job)), "application/json")
        if alias := Layout.from_decoration(spec.decoration_config).alias(job):
            bucket.put(alias, f"s3://{bucket.name}/{folder}".encode(), "text/plain")

    def finished(self, spec: ProwJobSpec, job: ProwJob, metadata: Mapping[str, Any] | None = None) -> None:
        """`finished.json`, the final `prowjob.json` and `latest-build.txt`, which an older run never turns back."""
        bucket, folder = self.place(spec, job)
        at = job.completed_at or self._clock.now_ms()
        begun = layout.started(spec, job.pending_at or job.created_at)
        bucket.put(f"{folder}/started.json", _json(begun), "application/json", only_if_absent=True)
        bucket.put(f"{folder}/finished.json", _json(layout.finished(spec, job, at, metadata)), "application/json")
        bucket.put(f"{folder}/prowjob.json", _json(self._prowjob(spec, job)), "application/json")
        for key in Layout.from_decoration(spec.decoration_config).latest_builds(job):
            present = (bucket.get(key) or b"0").strip()
            if not present.isdigit() or int(present) < int(job.build_id):
                bucket.put(key, job.build_id.encode(), "text/plain")

    @staticmethod
    def _prowjob(spec: ProwJobSpec, job: ProwJob) -> dict[str, Any]:
        times = {"created": job.created_at, "pending": job.pending_at, "completed": job.completed_at}
        return layout.prowjob_json(spec, job, {name: _iso(at) for name, at in times.items() if at})


def _json(value: Mapping[str, Any]) -> bytes:
    return json.dumps(value, indent=1, ensure_ascii=False).encode()


def _iso(milliseconds: int) -> str:
    return datetime.fromtimestamp(milliseconds // 1000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _bucket_name(spec: ProwJobSpec) -> str:
    gcs = spec.decoration_config.get("gcs_configuration") or {}
    return str(gcs.get("bucket") or "")
