"""An S3-compatible store on loopback, for tests and for trying things: OpenStack Swift with its s3api, four processes.

    eval "$(scripts/object-store start)"     leads this shell to it; a second start finds it running
    scripts/object-store status              the same lines if it runs; exit code 3 if not
    scripts/object-store stop                ends its processes; what was stored stays in its folder

A bucket `reviewmine` is ready in it. Standard output is only what a shell should evaluate. Signatures are verified,
as on S3; conditional puts are answered 501, unlike on S3. The access key `reviewmine:reader`, with the same secret,
may read buckets whose ACL is public-read, and write none.
"""

import argparse
import fcntl
import os
import pwd
import secrets
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import botocore.session
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from loopback_ports import are_free, free_ports
from store_state import REGION, State, exports, is_running
from swift_environment import CannotStart, python_with_swift
from swift_files import BACKENDS, SERVERS, WRITER, configuration

CHECKOUT = Path(__file__).resolve().parents[2]
BUCKET = "reviewmine"
START_LIMIT_S = 120.0
STOP_LIMIT_S = 10.0
NUM_TRIES_FOR_PORTS = 3
NOT_RUNNING = 3
"""The exit code of `status` for a store that does not run, as init scripts have it."""


class ObjectStore:
    """The store whose files are in `folder`; Swift itself is installed in `venv`."""

    def __init__(self, folder: Path, venv: Path) -> None:
        self.folder = folder.resolve()
        self._state_file = self.folder / "state.json"
        self._venv = venv.resolve()

    def start(self) -> State:
        """Start what does not run yet, and return when the bucket is there. Raises CannotStart."""
        with self._locked():
            running = self.running()
            if running:
                return running
            self._end()  # what is left of a store that is half there
            python = python_with_swift(self._venv)
            for _ in range(NUM_TRIES_FOR_PORTS - 1):
                with suppress(_PortTaken):
                    return self._started(python)
            return self._started(python)

    def stop(self) -> bool:
        """End the processes of this store; whether there were any."""
        if not self.folder.is_dir():
            return False
        with self._locked():
            return self._end()

    def running(self) -> State | None:
        """The state of a store all of whose processes live and which answers, or None."""
        state = State.read(self._state_file)
        if state is None or len(self._alive(state)) < len(SERVERS) or not _answers(state):
            return None
        return state

    def _started(self, python: Path) -> State:
        before = State.read(self._state_file)
        ports = before.ports if before and are_free(before.ports) else free_ports(SERVERS)
        state = State(ports, before.secret if before else secrets.token_hex(16), {})
        self._write_files(state, python)
        try:
            for kind in SERVERS:
                state.pids[kind] = self._spawn(kind, python)
                state.write(self._state_file)
            self._wait_until_ready(state)
        except BaseException:
            self._end()
            raise
        return state

    def _write_files(self, state: State, python: Path) -> None:
        etc = self.folder / "etc"
        for folder in (etc, self.folder / "node" / "d1", self.folder / "cache", self.folder / "log"):
            folder.mkdir(parents=True, exist_ok=True)
        try:
            user = pwd.getpwuid(os.getuid()).pw_name
        except KeyError:
            raise CannotStart(
                f"user id {os.getuid()} has no name, and Swift wants one; add it to passwd"
            ) from None
        for name, text in configuration(self.folder, state.ports, user=user, secret=state.secret).items():
            (etc / name).write_text(text)
        rings = [f"{kind}={state.ports[kind]}" for kind in BACKENDS]
        command = [python, Path(__file__).with_name("swift_rings.py"), etc, *rings]
        made = subprocess.run(command, capture_output=True, text=True, check=False)
        if made.returncode:
            raise CannotStart(f"{etc}: Swift's rings could not be made: {made.stderr.strip()}")

    def _spawn(self, kind: str, python: Path) -> int:
        program = Path(__file__).with_name("swift_server.py")
        with self._log(kind).open("w") as log:
            return subprocess.Popen(
                [python, program, kind, self._settings(kind)],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
            ).pid  # fmt: skip

    def _wait_until_ready(self, state: State) -> None:
        """Until every server listens, /info answers and the bucket is made.

        A server counts as dead when it is missing twice: in the moment of its start a process has no command line yet.
        """
        deadline = time.monotonic() + START_LIMIT_S
        missing: set[str] = set()
        while True:
            dead = sorted(missing - set(self._alive(state)))
            missing = set(SERVERS) - set(self._alive(state))
            if dead:
                said = self._log(dead[0]).read_text().strip()[-2000:]
                kind = _PortTaken if "in use" in said or "Could not bind" in said else CannotStart
                raise kind(f"the {dead[0]} server ended at once; {self._log(dead[0])} says:\n{said}")
            if _answers(state) and (refusal := _make_bucket(state)) is None:
                return
            if time.monotonic() > deadline:
                waited_for = f"bucket {BUCKET}: {refusal}" if _answers(state) else f"{state.endpoint}/info"
                raise CannotStart(
                    f"not ready after {START_LIMIT_S:.0f} s, waiting for {waited_for}; see {self.folder}/log"
                )
            time.sleep(0.2)

    def _end(self) -> bool:
        """Terminate the processes that were recorded and are still those, and wait for their end."""
        state = State.read(self._state_file)
        alive = self._alive(state) if state else {}
        for number, limit_s in ((signal.SIGTERM, STOP_LIMIT_S), (signal.SIGKILL, STOP_LIMIT_S)):
            for pid in self._alive(state).values() if state else ():
                os.kill(pid, number)
            deadline = time.monotonic() + limit_s
            while state and self._alive(state) and time.monotonic() < deadline:
                time.sleep(0.05)
        if state:
            State(state.ports, state.secret, {}).write(self._state_file)
        return bool(alive)

    def _alive(self, state: State) -> dict[str, int]:
        """The recorded processes that live. A number that another process was given since is not one of them."""
        return {kind: pid for kind, pid in state.pids.items() if is_running(pid, self._settings(kind))}

    def _settings(self, kind: str) -> Path:
        return self.folder / "etc" / f"{kind}.conf"

    def _log(self, kind: str) -> Path:
        return self.folder / "log" / f"{kind}.log"

    @contextmanager
    def _locked(self) -> Iterator[None]:
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with (self.folder / "lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield


class _PortTaken(CannotStart):
    """Another process took a port between the look and the start."""


def _answers(state: State) -> bool:
    for kind in BACKENDS:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", state.ports[kind])):
                return False
    try:
        with urllib.request.urlopen(f"{state.endpoint}/info", timeout=10) as reply:
            return bool(reply.status == 200)
    except (urllib.error.URLError, OSError):
        return False


def _make_bucket(state: State) -> str | None:
    """Make the bucket where there is none, and return None, or why it cannot be made yet."""
    client = botocore.session.Session().create_client(
        "s3",
        endpoint_url=state.endpoint,
        region_name=REGION,
        aws_access_key_id=WRITER,
        aws_secret_access_key=state.secret,
        config=Config(s3={"addressing_style": "path"}, retries={"total_max_attempts": 1}),
    )
    try:
        client.create_bucket(Bucket=BUCKET)
        client.head_bucket(Bucket=BUCKET)
    except client.exceptions.BucketAlreadyOwnedByYou:
        return None
    except (ClientError, BotoCoreError) as refused:
        return str(refused)
    return None


def _parse(arguments: list[str] | None) -> argparse.Namespace:
    default = Path(os.environ.get("REVIEWMINE_OBJECT_STORE", CHECKOUT / ".object-store"))
    venv = Path(os.environ.get("REVIEWMINE_SWIFT_VENV", CHECKOUT / ".object-store" / "venv"))
    parser = argparse.ArgumentParser(
        prog="scripts/object-store", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("command", choices=("start", "stop", "status"))
    parser.add_argument(
        "--folder", type=Path, default=default,
        help="where its files are (default: .object-store in the checkout, or REVIEWMINE_OBJECT_STORE)",
    )  # fmt: skip
    parser.add_argument(
        "--venv", type=Path, default=venv,
        help="where Swift is installed (default: .object-store/venv in the checkout, or REVIEWMINE_SWIFT_VENV)",
    )  # fmt: skip
    return parser.parse_args(arguments)


def main(arguments: list[str] | None = None) -> int:
    options = _parse(arguments)
    os.umask(0o077)  # the secret is for nobody else
    store = ObjectStore(options.folder, options.venv)
    try:
        if options.command == "stop":
            _say("stopped" if store.stop() else "nothing runs here", store)
            return 0
        state = store.start() if options.command == "start" else store.running()
    except CannotStart as reason:
        _say(str(reason), store)
        return 1
    if state is None:
        _say("not running", store)
        return NOT_RUNNING
    _say(f"runs at {state.endpoint}, bucket {BUCKET}", store)
    print(exports(state.variables))
    return 0


def _say(what: str, store: ObjectStore) -> None:
    print(f"object-store ({store.folder}): {what}", file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
