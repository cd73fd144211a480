"""A proxy on loopback before an S3-compatible store, which injects faults by rule and counts requests and bytes.

    scripts/fault-proxy http://127.0.0.1:8080 --seed 7 \\
        --rule fault=slow_down,share=0.05 --rule 'fault=lost_reply,operation=PUT,key=*__meta/live/*,times=1'

It prints the export that leads through it, then each request that a fault befell, and at its end, or whenever
/_proxy/traffic?prefix=BUCKET/PREFIX is asked for, the requests and bytes by operation. What the client signed goes on
unchanged, the Host header too, so that signatures stay valid; a store that looks at its own name there (Amazon's
does) cannot stand behind it.
"""

import argparse
import http.client
import inspect
import json
import re
import socket
import struct
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from faults import ANSWERS, FAULTS, Rule, Schedule, Struck
from stale_listings import Changes
from traffic import TAIL, Traffic

_OF_ONE_CONNECTION = {
    "connection",
    "keep-alive",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
}
_NOT_SENT_ON = {*_OF_ONE_CONNECTION, "expect", "content-length"}
_REPLY_LIMIT_S = 120.0
TRAFFIC = "/_proxy/traffic"


@dataclass(frozen=True)
class _Reply:
    status: int
    reason: str
    headers: list[tuple[str, str]]
    body: bytes

    def header(self, wanted: str) -> str:
        return next((value for name, value in self.headers if name.lower() == wanted), "")


class FaultProxy:
    """The proxy before `upstream` (an http URL), running within `with`; threads of this process."""

    def __init__(self, upstream: str, rules: Sequence[Rule] = (), *, seed: int = 0, port: int = 0) -> None:
        parts = urlsplit(upstream)
        if parts.scheme != "http" or not parts.hostname:
            raise ValueError(f"{upstream}: expected http://HOST:PORT")
        self._upstream = (parts.hostname, parts.port or 80)
        self.traffic = Traffic()
        self.changes = Changes()
        self.schedule = Schedule(rules, seed=seed)
        self._server = _Server(("127.0.0.1", port), _Handler)
        self._server.proxy = self
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)

    @property
    def endpoint(self) -> str:
        return "http://{}:{}".format(*self._server.server_address[:2])

    @property
    def struck(self) -> list[Struck]:
        return self.schedule.struck

    def follow(self, rules: Sequence[Rule], *, seed: int = 0) -> None:
        """From now on these rules hold, counted afresh; none: all is well."""
        self.schedule = Schedule(rules, seed=seed)

    def __enter__(self) -> "FaultProxy":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def forward(self, method: str, target: str, headers: Sequence[tuple[str, str]], body: bytes) -> _Reply:
        """The store's answer to the request as the client made and signed it."""
        upstream = http.client.HTTPConnection(*self._upstream, timeout=_REPLY_LIMIT_S)
        try:
            self._send(upstream, method, target, headers, body)
            answer = upstream.getresponse()
            return _Reply(answer.status, answer.reason, answer.getheaders(), answer.read())
        finally:
            upstream.close()

    def forward_half(self, method: str, target: str, headers: Sequence[tuple[str, str]], body: bytes) -> None:
        """Send half of the body on, under the length of the whole, and hang up."""
        upstream = http.client.HTTPConnection(*self._upstream, timeout=_REPLY_LIMIT_S)
        try:
            self._send(upstream, method, target, headers, body[: len(body) // 2], num_bytes=len(body))
        finally:
            upstream.close()

    @staticmethod
    def _send(
        upstream: http.client.HTTPConnection,
        method: str,
        target: str,
        headers: Sequence[tuple[str, str]],
        body: bytes,
        num_bytes: int | None = None,
    ) -> None:
        upstream.putrequest(method, target, skip_host=True, skip_accept_encoding=True)
        for name, value in headers:
            if name.lower() not in _NOT_SENT_ON:
                upstream.putheader(name, value)
        if body or method in ("PUT", "POST"):
            upstream.putheader("Content-Length", str(len(body) if num_bytes is None else num_bytes))
        upstream.putheader("Connection", "close")
        upstream.endheaders(body or None)


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128
    proxy: FaultProxy

    def shutdown_request(self, request: Any) -> None:
        """Without the orderly shutdown, which would make an end in order of every reset."""
        self.close_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that hangs up is no news here."""
        if not isinstance(sys.exception(), OSError):
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1
    server: _Server

    def handle_expect_100(self) -> bool:
        """Ask for the body at once: botocore waits a second for that before it sends it unasked."""
        self.send_response_only(100)
        self.end_headers()
        self.wfile.flush()
        return True

    def do_GET(self) -> None:
        if urlsplit(self.path).path == TRAFFIC:
            self._tell_traffic()
        else:
            self._pass_on()

    def _pass_on(self) -> None:
        proxy = self.server.proxy
        body = self._read_body()
        operation, name = self._asked_for()
        rule = proxy.schedule.next(operation, name)
        fault = rule.fault if rule else None
        if rule and fault == "delay":
            time.sleep(rule.seconds)
        if fault in ANSWERS or fault in ("reset", "cut_request"):
            self._count(operation, name, body)
        if fault in ANSWERS:
            self._answer_instead(*ANSWERS[fault])
        elif fault == "reset":
            self._reset()
        elif fault == "cut_request":
            proxy.forward_half(self.command, self.path, self.headers.items(), body)
            self._reset()
        else:
            self._answer(operation, name, rule, body)

    do_HEAD = do_PUT = do_POST = do_DELETE = _pass_on  # noqa: N815 (http.server looks for these names)

    def _count(self, operation: str, name: str, body: bytes, down_bytes: int = 0) -> None:
        """Before the client has its answer: it may ask for the traffic next."""
        self.server.proxy.traffic.add(operation, name, up_bytes=len(body), down_bytes=down_bytes)

    def _answer(self, operation: str, name: str, rule: Rule | None, body: bytes) -> None:
        """The store's answer, whole, cut, stale or withheld."""
        proxy = self.server.proxy
        try:
            reply = proxy.forward(self.command, self.path, self.headers.items(), body)
        except (OSError, http.client.HTTPException) as away:
            self._count(operation, name, body)
            self._answer_instead(502, "BadGateway", str(away))
            return
        self._note(operation, name, len(body), reply)
        fault = rule.fault if rule else None
        if fault == "lost_reply":
            self._count(operation, name, body)
            self._reset()
            return
        if rule and fault == "stale_list" and operation == "LIST" and reply.status == 200:
            query = dict(parse_qsl(urlsplit(self.path).query, keep_blank_values=True))
            stale = proxy.changes.stale(reply.body, name.partition("/")[0], query, behind=rule.behind)
            reply = _Reply(reply.status, reply.reason, reply.headers, stale)
        sent = reply.body[: len(reply.body) // 2] if fault == "cut_reply" else reply.body
        self._count(TAIL if _is_tail(reply) else operation, name, body, len(sent))
        self.send_response_only(reply.status, reply.reason)
        for header, value in reply.headers:
            if header.lower() not in (*_OF_ONE_CONNECTION, "content-length"):
                self.send_header(header, value)
        is_head = self.command == "HEAD"
        self.send_header(
            "Content-Length", reply.header("content-length") if is_head else str(len(reply.body))
        )
        self.end_headers()
        self.wfile.write(sent)
        self.wfile.flush()
        if fault == "cut_reply":
            self._reset()

    def _note(self, operation: str, name: str, num_bytes: int, reply: _Reply) -> None:
        """Remember what a change that took place did to the listings."""
        if reply.status >= 300:
            return
        changes = self.server.proxy.changes
        if operation == "PUT" and "/" in name:
            changes.put(name, num_bytes, reply.header("etag"))
        elif operation == "COPY":
            found = re.search(rb"<ETag>(.*?)</ETag>", reply.body)
            etag = found[1].decode().replace("&quot;", '"') if found else ""
            changes.copied(unquote(self.headers["x-amz-copy-source"]).lstrip("/"), name, etag)
        elif operation == "DELETE":
            changes.deleted(name)

    def _asked_for(self) -> tuple[str, str]:
        """The operation, and `bucket/key`; of a listing, `bucket/prefix`."""
        parts = urlsplit(self.path)
        name = unquote(parts.path).removeprefix("/")
        if self.command == "GET" and not name.rstrip("/").partition("/")[2]:
            prefix = dict(parse_qsl(parts.query)).get("prefix", "")
            return "LIST", f"{name.rstrip('/')}/{prefix}"
        if self.command == "PUT" and self.headers["x-amz-copy-source"]:
            return "COPY", name
        return self.command, name

    def _read_body(self) -> bytes:
        if "chunked" not in (self.headers["Transfer-Encoding"] or ""):
            return self.rfile.read(int(self.headers["Content-Length"] or 0))
        chunks = []
        while num_bytes := int(self.rfile.readline().split(b";")[0], 16):
            chunks.append(self.rfile.read(num_bytes))
            self.rfile.readline()
        while self.rfile.readline().strip():
            pass
        return b"".join(chunks)

    def _answer_instead(self, status: int, code: str, message: str = "injected") -> None:
        text = f"<?xml version='1.0'?><Error><Code>{code}</Code><Message>{message}</Message></Error>"
        self._send(status, "application/xml", text.encode())

    def _tell_traffic(self) -> None:
        prefix = dict(parse_qsl(urlsplit(self.path).query)).get("prefix", "")
        counts = self.server.proxy.traffic.by_operation(prefix)
        told = {operation: asdict(count) for operation, count in counts.items()}
        self._send(200, "application/json", json.dumps(told).encode())

    def _send(self, status: int, kind: str, body: bytes) -> None:
        self.send_response_only(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def _reset(self) -> None:
        """End the connection with a reset, as a store that crashes does."""
        self.close_connection = True
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    def log_message(self, format: str, *args: Any) -> None:
        """The traffic is counted; there is no log."""


def _is_tail(reply: _Reply) -> bool:
    """Whether the reply is the end of an object, and not all of it."""
    found = re.fullmatch(r"bytes (\d+)-(\d+)/(\d+)", reply.header("content-range"))
    return reply.status == 206 and bool(found) and int(found[1]) > 0 and int(found[2]) + 1 == int(found[3])


def _rule(written: str) -> Rule:
    try:
        return Rule.parse(written)
    except ValueError as wrong:
        raise argparse.ArgumentTypeError(str(wrong)) from None


def _parse(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="scripts/fault-proxy",
        description=__doc__,
        epilog=f"{inspect.getdoc(Rule)}\n\nFaults: {', '.join(FAULTS)}.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("upstream", help="the store's own address, as in AWS_ENDPOINT_URL")
    parser.add_argument("--rule", action="append", default=[], type=_rule, help="several may be given")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--port", type=int, default=0, help="0 (default): a free one")
    return parser.parse_args(arguments)


def main(arguments: list[str] | None = None) -> None:
    options = _parse(arguments)
    with FaultProxy(options.upstream, options.rule, seed=options.seed, port=options.port) as proxy:
        print(f"export AWS_ENDPOINT_URL={proxy.endpoint}", flush=True)
        num_told = 0
        try:
            while True:
                time.sleep(0.5)
                for struck in proxy.struck[num_told:]:
                    num_told += 1
                    print(
                        f"{struck.number} {struck.rule.fault} {struck.operation} {struck.name}",
                        file=sys.stderr,
                    )
        except KeyboardInterrupt:
            for operation, counts in proxy.traffic.by_operation().items():
                print(f"{operation}: {counts}", file=sys.stderr)


if __name__ == "__main__":
    main()
