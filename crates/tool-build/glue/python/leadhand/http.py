"""Requests over HTTP, in fewer words than the interface of the host."""

import json as _json

from componentize_py_types import Err
from leadhand.error import of_host
from wit_world.imports import http as host


class Response:
    def __init__(self, response):
        self.status = response.status
        self.url = response.url
        self.headers = dict(response.headers)
        self.content = bytes(response.body)
        self.truncated = response.truncated

    @property
    def text(self):
        return self.content.decode("utf-8", "replace")

    def json(self):
        return _json.loads(self.content)


def send(method, url, headers=None, body=b""):
    body = body.encode() if isinstance(body, str) else body
    try:
        return Response(host.send(host.Request(method, url, [*(headers or {}).items()], body)))
    except Err as error:
        raise of_host(error) from None


def get(url, headers=None):
    return send("GET", url, headers)
