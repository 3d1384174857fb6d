"""The ProwJobs table."""

from __future__ import annotations

import time
from dataclasses import replace
from itertools import islice
from typing import TYPE_CHECKING, Any

from prowless.domain.errors import NotFoundError, RetryableError
from prowless.domain.refs import JobType

from .dynamo import TRIES, Table, nonce, pause
from .errors import translated
from .rows import item_of, job_of, probe, update

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from types_boto3_dynamodb.client import DynamoDBClient

    from prowless.domain.prowjob import Phase, ProwJob

    from .dynamo import Sleep

_PAGE = 100


class DynamoProwJobs:
    """`ProwJobs` over DynamoDB. Indexes give ids in order; the rows are then read consistently from the table.

    An index is a moment behind the table: a row created just now may be missing from a listing, and one that has left
    a phase since is read as it is and left out.
    """

    def __init__(self, client: DynamoDBClient, table: str, sleep: Sleep = time.sleep) -> None:
        self._table = Table(client, table, "id", sleep)

    def create(self, job: ProwJob) -> bool:
        """Store a new row; false if the id exists already."""
        return self._table.put(item_of(job), "attribute_not_exists(#id)") is None

    def get(self, prowjob: str) -> ProwJob | None:
        """The row, strongly consistent."""
        item = self._table.get(prowjob)
        return job_of(item) if item else None

    def mutate(self, prowjob: str, change: Callable[[ProwJob], ProwJob]) -> ProwJob:
        """Read, change and write under the row's version, at most ten times, and the row that results.

        Raises:
            NotFoundError: no such row.
            RetryableError: the race was lost too often.
        """
        for attempt in range(TRIES):
            before = self.get(prowjob)
            if before is None:
                raise NotFoundError(
                    f"{self._table.subject}: ProwJob {prowjob} does not exist; its row may have expired"
                )
            after = change(before)
            if after == before:
                return before
            if after.id != before.id:
                raise ValueError(f"a row keeps its id: {before.id} cannot become {after.id}")
            after = replace(after, version=before.version + 1)
            mark = nonce()
            if self._table.update(update(self._table.name, before, after, mark), mark) is None:
                return after
            self._table.sleep(pause(attempt))
        raise RetryableError(f"{self._table.subject}: ProwJob {prowjob} was changed by others {TRIES} times in a row")

    def of_pull(self, repository: str, number: int) -> list[ProwJob]:
        """Full rows of a pull request's runs, newest first."""
        org, _, repo = repository.partition("/")
        key = probe(org=org, repo=repo, pull=number).keys().get("pull_key")
        return self._rows(self._listed("by_pull", "pull_key", key)) if key else []

    def of_group(self, repository: str, head_sha: str) -> list[ProwJob]:
        """Full rows of the runs (batches) of a merge group, newest first."""
        org, _, repo = repository.partition("/")
        key = probe(type=JobType.BATCH, org=org, repo=repo, head_sha=head_sha).keys().get("pull_key")
        return self._rows(self._listed("by_pull", "pull_key", key)) if key else []

    def of_job(self, job_type: JobType, repository: str, job: str, limit: int) -> list[ProwJob]:
        """Full rows of a job's newest runs, newest first."""
        org, _, repo = repository.partition("/")
        key = probe(type=job_type, org=org, repo=repo, job=job).keys()["job_key"]
        return self._rows(islice(self._listed("by_job", "job_key", key, limit), limit))

    def active(self, cluster: str, phase: Phase, limit: int) -> list[ProwJob]:
        """Full rows of a cluster's runs in one unfinished phase, oldest first."""
        prefix = probe(phase=phase).active_order().partition("#")[0]
        if not prefix:
            return []
        ids = self._listed("by_active", "active", cluster, limit, begins=("active_order", f"{prefix}#"))
        rows: list[ProwJob] = []
        while len(rows) < limit and (page := list(islice(ids, min(_PAGE, limit - len(rows))))):
            rows += (job for job in self._rows(page) if job.cluster == cluster and job.phase is phase)
        return rows

    def _listed(
        self, index: str, hash_key: str, value: str, limit: int = _PAGE, begins: tuple[str, str] | None = None
    ) -> Iterator[str]:
        """Ids of an index in its order, page by page; newest first unless a beginning of the sort key is asked for."""
        query: dict[str, Any] = {
            "TableName": self._table.name,
            "IndexName": index,
            "KeyConditionExpression": "#hash = :hash",
            "ProjectionExpression": "#id",
            "ExpressionAttributeNames": {"#hash": hash_key, "#id": "id"},
            "ExpressionAttributeValues": {":hash": {"S": value}},
            "ScanIndexForward": False,
            "Limit": max(1, min(limit, _PAGE)),
        }
        if begins:
            query["KeyConditionExpression"] += " AND begins_with(#sort, :begin)"
            query["ExpressionAttributeNames"]["#sort"] = begins[0]
            query["ExpressionAttributeValues"][":begin"] = {"S": begins[1]}
            query["ScanIndexForward"] = True
        while True:
            with translated(f"{self._table.subject}, index {index}"):
                answer = self._table.client.query(**query)
            for item in answer["Items"]:
                yield item["id"]["S"]
            if not answer.get("LastEvaluatedKey"):
                return
            query["ExclusiveStartKey"] = answer["LastEvaluatedKey"]

    def _rows(self, ids: Iterable[str]) -> list[ProwJob]:
        """The rows of these ids, in their order; expired ones are left out."""
        wanted = list(ids)
        found = self._table.get_all(wanted)
        return [job_of(found[key]) for key in wanted if key in found]
