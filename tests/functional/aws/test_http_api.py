"""The HTTP API: what a function sees of a request, and a client of a function's answer."""

from __future__ import annotations

import base64
import http.client
import json
from urllib.parse import urlsplit

import pytest

from prowless_local.aws.moto_hooks.runtime import Invocation
from prowless_local.aws.wiring import HttpRoute
from prowless_local.clock import VirtualClock, WallClock
from prowless_local.http import LARGEST_BODY, HttpApi


class Api:
    """An HttpApi whose functions answer what the test wants."""

    def __init__(self, *keys: str, clock=None):
        routes = [
            HttpRoute(function=f"F{n}", key=key, method=key.partition(" ")[0], path=key.partition(" ")[2], api_id="abc")
            for n, key in enumerate(keys)
        ]
        self.events = []
        self.result = {"statusCode": 204}
        self.failed = False
        self.refused = False
        self.api = HttpApi(routes, clock or VirtualClock(), self.call, 0)

    def call(self, function, event):
        self.events.append((function, event))
        return None if self.refused else Invocation(payload=json.dumps(self.result).encode(), failed=self.failed)

    def request(self, method, target, body=None, headers=None):
        connection = http.client.HTTPConnection(urlsplit(self.api.url).netloc, timeout=10)
        connection.request(method, target, body, headers or {}, encode_chunked="Transfer-Encoding" in (headers or {}))
        response = connection.getresponse()
        content = response.read()
        connection.close()
        return response.status, dict(response.getheaders()), content


@pytest.fixture
def api():
    made = Api("ANY /hook")
    yield made
    made.api.close()


def test_a_request_becomes_payload_format_2(api):
    headers = {"X-GitHub-Event": "push", "Content-Type": "application/json", "User-Agent": "GitHub-Hookshot/1"}
    assert api.request("POST", "/hook?a=1&a=2&b=", '{"ä": 1}'.encode(), {**headers, "Cookie": "x=1; y=2"})[0] == 204
    [(function, event)] = api.events
    assert function == "F0"
    assert (event["version"], event["routeKey"]) == ("2.0", "ANY /hook")
    assert (event["rawPath"], event["rawQueryString"]) == ("/hook", "a=1&a=2&b=")
    assert event["queryStringParameters"] == {"a": "1,2", "b": ""}
    assert event["cookies"] == ["x=1", "y=2"]
    assert (event["headers"]["x-github-event"], event["headers"]["content-length"]) == ("push", "9")
    assert all(name == name.lower() for name in event["headers"])
    assert (event["body"], event["isBase64Encoded"]) == ('{"ä": 1}', False)
    context = event["requestContext"]
    assert context["http"] == {
        "method": "POST",
        "path": "/hook",
        "protocol": "HTTP/1.1",
        "sourceIp": "127.0.0.1",
        "userAgent": "GitHub-Hookshot/1",
    }
    assert (context["stage"], context["timeEpoch"]) == ("$default", VirtualClock().now_ms())
    assert (context["apiId"], context["domainName"]) == ("abc", "abc.execute-api.us-east-1.amazonaws.com")
    assert context["time"] == "05/Jan/2026:12:00:00 +0000"
    assert context["requestId"]


@pytest.mark.parametrize(
    ("headers", "body", "encoded"),
    [
        ({"Content-Type": "text/plain; charset=utf-8"}, b"x", False),
        ({"Content-Type": "application/vnd.github+json"}, b"{}", False),
        ({"Content-Type": "application/x-www-form-urlencoded"}, b"payload=x", True),
        ({"Content-Type": "application/json", "Content-Encoding": "gzip"}, b"{}", True),
        ({"Content-Type": "application/json"}, b"\xff", True),
        ({}, b"x", True),
    ],
)
def test_bodies_that_are_not_text_are_base64_encoded(api, headers, body, encoded):
    api.request("POST", "/hook", body, headers)
    event = api.events[0][1]
    assert event["isBase64Encoded"] is encoded
    assert (base64.b64decode(event["body"]) if encoded else event["body"].encode()) == body


def test_without_a_body_there_is_none(api):
    api.request("GET", "/hook")
    assert "body" not in api.events[0][1]
    assert api.events[0][1]["isBase64Encoded"] is False


def test_a_chunked_body_is_read(api):
    api.request("POST", "/hook", iter([b"ab", b"cde"]), {"Content-Type": "text/plain", "Transfer-Encoding": "chunked"})
    assert api.events[0][1]["body"] == "abcde"


def test_an_unknown_path_is_not_found(api):
    status, headers, body = api.request("POST", "/hooks")
    assert (status, json.loads(body), api.events) == (404, {"message": "Not Found"}, [])
    assert headers["content-type"] == "application/json"


def test_the_most_specific_route_wins():
    api = Api("$default", "ANY /a/{rest+}", "GET /a/{id}", "ANY /a/fixed", "POST /a/fixed")
    for method, target in (
        ("POST", "/a/fixed"),
        ("GET", "/a/fixed"),
        ("GET", "/a/7%2F8"),
        ("GET", "/a/b/c"),
        ("GET", "/b"),
    ):
        api.request(method, target)
    api.api.close()
    assert [function for function, _ in api.events] == ["F4", "F3", "F2", "F1", "F0"]
    assert api.events[2][1]["pathParameters"] == {"id": "7/8"}
    assert api.events[3][1]["pathParameters"] == {"rest": "b/c"}


def test_a_body_over_ten_mebibytes_is_refused(api):
    connection = http.client.HTTPConnection(urlsplit(api.api.url).netloc, timeout=10)
    connection.putrequest("POST", "/hook")
    connection.putheader("Content-Length", str(LARGEST_BODY + 1))
    connection.endheaders()
    assert connection.getresponse().status == 413
    connection.close()
    assert api.events == []


def test_an_event_that_lambda_would_not_take_is_refused(api):
    body = b'"' * (4 * 1024 * 1024)  # twice that once escaped
    assert api.request("POST", "/hook", body, {"Content-Type": "application/json"})[0] == 413


@pytest.mark.parametrize(
    ("result", "status", "body", "kind"),
    [
        ({"statusCode": 201, "body": "x", "headers": {"Content-Type": "text/css"}}, 201, b"x", "text/css"),
        ({"statusCode": "200", "body": "eHk=", "isBase64Encoded": True}, 200, b"xy", "text/plain;charset=UTF-8"),
        ({"message": "hi"}, 200, b'{"message": "hi"}', "application/json"),
        ({"statusCode": 200, "body": "%", "isBase64Encoded": True}, 500, None, "application/json"),
        ({"statusCode": "ok"}, 500, None, "application/json"),
    ],
)
def test_a_result_becomes_a_response(api, result, status, body, kind):
    api.result = result
    answer = api.request("GET", "/hook")
    assert (answer[0], answer[1]["content-type"]) == (status, kind)
    assert answer[2] == (body if body is not None else b'{"message": "Internal Server Error"}')


def test_a_failed_function_is_an_internal_server_error_without_details(api):
    api.failed = True
    api.result = {"errorType": "ValueError", "errorMessage": "the secret is 42"}
    status, _, body = api.request("POST", "/hook")
    assert (status, json.loads(body)) == (500, {"message": "Internal Server Error"})


def test_a_refused_invocation_is_service_unavailable(api):
    api.refused = True
    assert api.request("POST", "/hook")[0] == 503


def test_a_connection_is_kept():
    api = Api("ANY /hook", clock=WallClock())
    connection = http.client.HTTPConnection(urlsplit(api.api.url).netloc, timeout=10)
    for _ in range(3):
        connection.request("POST", "/hook", b"{}")
        assert connection.getresponse().read() == b""
        sock = connection.sock
        assert sock is not None
    connection.close()
    api.api.close()
    assert len(api.events) == 3


def test_the_templates_routes_reach_their_function(aws):
    connection = http.client.HTTPConnection(urlsplit(aws.http_url).netloc, timeout=10)
    connection.request("POST", "/hook?group=g", b"body", {"Content-Type": "text/plain"})
    response = connection.getresponse()
    assert (response.status, response.read(), response.headers["x-answer"]) == (202, b"taken", "yes")
    connection.close()
    aws.settle()
    [(_, [record])] = aws.function("work").build().script.batches
    assert (record["body"], record["attributes"]["MessageGroupId"]) == ("body", "g")
