"""S3: the state bucket and the artifact buckets."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypedDict

from botocore.exceptions import ClientError

from prowless.domain.errors import PermanentError

from .errors import code_of, translated

if TYPE_CHECKING:
    from types_boto3_s3.client import S3Client


_REFUSED = frozenset({"NoSuchKey", "PreconditionFailed"})


class _Condition(TypedDict, total=False):
    IfMatch: str
    IfNoneMatch: str


class S3Objects:
    """`Objects` over one bucket. The bucket's own default encrypts; its policy and lifecycle are the template's."""

    def __init__(self, client: S3Client, bucket: str) -> None:
        self._client = client
        self._bucket = bucket
        self._subject = f"S3 bucket {bucket}"

    @property
    def name(self) -> str:
        """The bucket's name."""
        return self._bucket

    def put(
        self, key: str, data: bytes, content_type: str, *, only_if_absent: bool = False, only_over: str = ""
    ) -> bool:
        """Store an object; false if it was there already and `only_if_absent` was asked, or it is not `only_over`.

        False may also come from our own write whose answer was lost: what is there then is what we sent.
        """
        condition: _Condition = {"IfNoneMatch": "*"} if only_if_absent else {"IfMatch": only_over} if only_over else {}
        with translated(f"{self._subject}, key {key}"):
            try:
                self._client.put_object(Bucket=self._bucket, Key=key, Body=data, ContentType=content_type, **condition)
            except ClientError as exc:
                if not condition or code_of(exc) not in _REFUSED:
                    raise
                return False
        return True

    def get(self, key: str) -> bytes | None:
        """The object, or None."""
        return self.tagged(key)[0]

    def tagged(self, key: str) -> tuple[bytes | None, str]:
        """The object with its ETag; (None, "") if it is not there.

        The role needs `s3:ListBucket` as well: without it S3 answers "access denied" for an object that is not there.
        """
        with translated(f"{self._subject}, key {key}"):
            try:
                answer = self._client.get_object(Bucket=self._bucket, Key=key)
            except ClientError as exc:
                if code_of(exc) != "NoSuchKey":
                    raise
                return None, ""
            return answer["Body"].read(), answer["ETag"]


class S3Artifacts:
    """`Artifacts` over S3: the buckets that jobs name, and the stack's own."""

    def __init__(self, client: S3Client, default_bucket: str) -> None:
        self._client = client
        self._default = default_bucket

    def bucket(self, name: str) -> S3Objects:
        """The bucket of that name, bare or as `s3://name`; the empty name is the stack's own.

        Raises:
            PermanentError: the name is of another kind of storage, such as `gs://`.
        """
        scheme, separator, rest = name.partition("://")
        if separator and scheme != "s3":
            raise PermanentError(
                f"artifact bucket {name}: only s3:// buckets can be written; correct the job's gcs_configuration.bucket"
            )
        return S3Objects(self._client, (rest if separator else name).rstrip("/") or self._default)
