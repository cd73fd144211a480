"""An S3-compatible server of this process (moto's), as it is or with answers of ours put before its own."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

from moto.moto_server.werkzeug_app import (
    DomainDispatcherApplication,
    MotoRequestHandler,
    create_backend_app,
)
from werkzeug.serving import make_server

Environ = dict[str, Any]
Answer = Callable[[Environ], tuple[int, str] | None]


@contextmanager
def serving(before: Answer = lambda environ: None) -> Iterator[str]:
    """The address of a server; `before` may answer a request with a status and an error code in moto's place.

    All servers of a process serve the same buckets.
    """
    moto = _moto()

    def app(environ: Environ, start_response: Callable[..., Any]) -> Any:
        answer = before(environ)
        if answer is None:
            return moto(environ, start_response)
        status, code = answer
        environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        start_response(f"{status} {code}", [("Content-Type", "application/xml")])
        return [f"<Error><Code>{code}</Code></Error>".encode()]

    server = make_server("127.0.0.1", 0, app, threaded=True, request_handler=MotoRequestHandler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield "http://{}:{}".format(*server.server_address[:2])
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@cache
def _moto() -> DomainDispatcherApplication:
    return DomainDispatcherApplication(create_backend_app)


def has_no_conditional_puts(environ: Environ) -> tuple[int, str] | None:
    """The answer of a store without them to a put that has a condition."""
    has_condition = "HTTP_IF_MATCH" in environ or "HTTP_IF_NONE_MATCH" in environ
    return (501, "NotImplemented") if has_condition and environ["REQUEST_METHOD"] == "PUT" else None
