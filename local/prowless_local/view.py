"""A window on the artifact buckets: what `job_url_prefix` points at in the embedded stack."""

from __future__ import annotations

import html
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import quote, unquote

from botocore.exceptions import ClientError

if TYPE_CHECKING:
    from types_boto3_s3.client import S3Client

_PREFIX = "/view/s3/"
_STYLE = (
    "body{font:15px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:60rem;padding:0 1rem;color:#1f2328}"
    "pre{background:#f6f8fa;padding:1rem;overflow:auto;border-radius:6px}h1{font-size:1.2rem}h2{font-size:1rem}"
    "a{color:#0969da;text-decoration:none}"
)
_SHOWN = 200_000
_INLINE = ("finished.json", "build-log.txt")


class ArtifactPages:
    """Serves `/view/s3/<bucket>/<path>` on loopback: a run's result, log and files, all escaped."""

    def __init__(self, client: S3Client, port: int = 0) -> None:
        """`client` reads the buckets; port 0 takes a free one."""

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                status, body = page(client, unquote(self.path.partition("?")[0]))
                data = body.encode()
                self.send_response(status)
                self.send_header("Content-Type", "text/html; charset=utf-8")
                self.send_header("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'")
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, *_: Any) -> None:
                """Say nothing: the table is on the terminal."""

        self._server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True, name="pages")
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    def start(self) -> Self:
        """Serve in the background."""
        self._thread.start()
        return self

    def close(self) -> None:
        """Stop serving."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


def page(client: S3Client, path: str) -> tuple[int, str]:
    """Status and HTML of one page: a file if the path is one, else what lies below it."""
    if not path.startswith(_PREFIX):
        return 404, _html("Not found", "<p>Links in commit statuses lead to the pages that are here.</p>")
    bucket, _, key = path.removeprefix(_PREFIX).strip("/").partition("/")
    try:
        data = _read(client, bucket, key)
        if data is not None:
            return 200, _html(key, _text(data))
        found = client.list_objects_v2(Bucket=bucket, Prefix=f"{key}/" if key else "").get("Contents", [])
    except ClientError as error:
        return 404, _html("Not found", f"<p>{html.escape(str(error))}</p>")
    if not found:
        return 404, _html(key, "<p>Nothing here yet: the run may not have started, or its files have expired.</p>")
    rows = "".join(_row(bucket, entry["Key"], len(key), entry["Size"]) for entry in found)
    inline = "".join(
        f"<h2>{name}</h2>{_text(data)}"
        for name in _INLINE
        if (data := _read(client, bucket, f"{key}/{name}")) is not None
    )
    return 200, _html(key, f"{inline}<h2>files</h2><ul>{rows}</ul>")


def _row(bucket: str, key: str, shown_from: int, size: int) -> str:
    name = html.escape(key[shown_from:].lstrip("/"))
    return f'<li><a href="{_PREFIX}{quote(bucket)}/{quote(key)}">{name}</a> <small>{size} bytes</small></li>'


def _read(client: S3Client, bucket: str, key: str) -> bytes | None:
    if not key:
        return None
    try:
        return client.get_object(Bucket=bucket, Key=key)["Body"].read(_SHOWN + 1)
    except ClientError as error:
        if error.response.get("Error", {}).get("Code") == "NoSuchKey":
            return None
        raise


def _text(data: bytes) -> str:
    cut = "\n[only the beginning is shown]" if len(data) > _SHOWN else ""
    return f"<pre>{html.escape(data[:_SHOWN].decode(errors='replace'))}{cut}</pre>"


def _html(title: str, body: str) -> str:
    name = html.escape(title)
    return f"<!doctype html><meta charset=utf-8><title>{name}</title><style>{_STYLE}</style><h1>{name}</h1>{body}"
