"""The fault proxy before a store as a process of its own, which can be killed and comes back at its address."""

import json
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path
from urllib.parse import quote

from fault_proxy import TRAFFIC
from loopback_ports import free_ports

_PROGRAM = Path(__file__).resolve().parents[1] / "scripts" / "object_store" / "fault_proxy.py"
_CHANGES = ("PUT", "COPY", "DELETE", "POST")


class ProxyProcess:
    """Runs within `with`; what it counted is not forgotten when it is killed, but for the last moment."""

    def __init__(self, upstream: str) -> None:
        self._upstream = upstream
        self._port = free_ports(["proxy"])["proxy"]
        self.endpoint = f"http://127.0.0.1:{self._port}"
        self._before: dict[str, int] = {}
        self._seen: dict[str, int] = {}

    def __enter__(self) -> "ProxyProcess":
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()

    def start(self) -> None:
        """Return when it listens."""
        command = [sys.executable, str(_PROGRAM), self._upstream, "--port", str(self._port)]
        self._running = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        )
        assert self._running.stdout is not None
        if not self._running.stdout.readline():
            raise RuntimeError(f"no proxy listens at {self.endpoint}")

    def kill(self) -> None:
        """Whatever it was in the midst of is cut off."""
        self._running.kill()
        self._running.wait()
        assert self._running.stdout is not None
        self._running.stdout.close()
        for prefix, count in self._seen.items():
            self._before[prefix] = self._before.get(prefix, 0) + count
        self._seen = {}

    def num_changes(self, prefix: str) -> int:
        """How many changes of objects whose `bucket/key` begins with `prefix` it has passed on."""
        try:
            with urllib.request.urlopen(
                f"{self.endpoint}{TRAFFIC}?prefix={quote(prefix)}", timeout=10
            ) as told:
                counts = json.load(told)
        except (urllib.error.URLError, OSError):
            counts = {}
        found = sum(counts[operation]["num_requests"] for operation in _CHANGES if operation in counts)
        self._seen[prefix] = max(found, self._seen.get(prefix, 0))
        return self._before.get(prefix, 0) + self._seen[prefix]
