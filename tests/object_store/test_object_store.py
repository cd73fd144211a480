"""scripts/object-store: what it says, remembers, starts and ends; Swift itself runs where a test is so marked."""

import json
import os
import shlex
import subprocess
import sys
import time
from pathlib import Path

import object_store
import pytest
from object_store import ObjectStore
from store_state import State, exports
from swift_environment import REQUIREMENTS, CannotStart, python_with_swift
from swift_files import SERVERS, configuration

PORTS = {"account": 1, "container": 2, "object": 3, "proxy": 4}
MODULE = Path(object_store.__file__)


def command(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, MODULE, *words, "--folder", folder], capture_output=True, text=True, check=False
    )


def remember(folder: Path, **pids: int) -> State:
    state = State(PORTS, "secret", pids)
    folder.mkdir(exist_ok=True)
    (folder / "state.json").write_text(json.dumps({"ports": PORTS, "secret": "secret", "pids": pids}))
    return state


def test_nothing_runs_in_a_folder_that_is_not_there(tmp_path):
    folder = tmp_path / "none"
    status = command(folder, "status")
    assert (status.returncode, status.stdout) == (3, "")
    assert "not running" in status.stderr
    stopped = command(folder, "stop")
    assert (stopped.returncode, stopped.stdout) == (0, "")
    assert "nothing runs here" in stopped.stderr
    assert not folder.exists()


def test_the_exports_are_what_a_shell_takes_over(tmp_path):
    lines = exports({"AWS_ENDPOINT_URL": "http://127.0.0.1:1", "AWS_SECRET_ACCESS_KEY": "it's $HOME"})
    shell = f'{lines}; printf %s "$AWS_SECRET_ACCESS_KEY,${{AWS_PROFILE-none}}"'
    environment = {**os.environ, "AWS_PROFILE": "mine"}
    told = subprocess.run(["bash", "-c", shell], env=environment, capture_output=True, text=True, check=True)
    assert told.stdout == "it's $HOME,none"


def test_a_process_that_only_has_a_remembered_number_is_never_ended(tmp_path):
    with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"]) as stranger:
        try:
            remember(tmp_path, proxy=stranger.pid)
            assert ObjectStore(tmp_path, tmp_path / "venv").stop() is False
            assert stranger.poll() is None
        finally:
            stranger.kill()
    assert json.loads((tmp_path / "state.json").read_text())["pids"] == {}


def test_a_process_of_the_store_is_ended_and_its_ports_and_secret_are_remembered(tmp_path):
    settings = str(tmp_path.resolve() / "etc" / "proxy.conf")
    sleeper = "import sys, time; print(flush=True); time.sleep(60)"
    with subprocess.Popen([sys.executable, "-c", sleeper, settings], stdout=subprocess.PIPE) as server:
        server.stdout.readline()
        remember(tmp_path, proxy=server.pid)
        store = ObjectStore(tmp_path, tmp_path / "venv")
        reaped = subprocess.Popen([sys.executable, MODULE, "stop", "--folder", tmp_path])
        assert server.wait(30) < 0
        assert reaped.wait(30) == 0
    assert store.running() is None
    state = json.loads((tmp_path / "state.json").read_text())
    assert (state["ports"], state["secret"], state["pids"]) == (PORTS, "secret", {})


def test_a_state_that_cannot_be_understood_is_named_with_what_to_do(tmp_path):
    (tmp_path / "state.json").write_text("{")
    started = command(tmp_path, "start")
    assert (started.returncode, started.stdout) == (1, "")
    assert "state.json: cannot be understood" in started.stderr
    assert f"delete {tmp_path}" in started.stderr


def test_servers_are_bound_to_loopback_and_each_has_its_settings(tmp_path):
    files = configuration(tmp_path, PORTS, user="somebody", secret="s3cret")
    assert set(files) == {"swift.conf", *(f"{kind}.conf" for kind in SERVERS)}
    for kind, port in PORTS.items():
        assert f"bind_ip = 127.0.0.1\nbind_port = {port}\n" in files[f"{kind}.conf"]
        assert "user = somebody" in files[f"{kind}.conf"]
    assert [name for name, text in files.items() if "s3cret" in text] == ["proxy.conf"]


def test_every_version_of_swifts_environment_is_pinned():
    lines = [line for line in REQUIREMENTS.read_text().splitlines() if not line.startswith("#")]
    assert all("==" in line for line in lines)
    assert any(line.startswith("swift==") for line in lines)


def test_an_environment_that_cannot_be_installed_says_so_and_is_tried_again(tmp_path, monkeypatch, capfd):
    unknown = tmp_path / "requirements.txt"
    unknown.write_text(f"{tmp_path}/no-such-wheel.whl\n")
    monkeypatch.setattr("swift_environment.REQUIREMENTS", unknown)
    for _ in range(2):
        with pytest.raises(CannotStart, match=r"pip could not install Swift into .*venv"):
            python_with_swift(tmp_path / "venv")
    assert capfd.readouterr().out == ""


@pytest.mark.object_store
def test_a_started_store_is_found_running_restarted_at_its_address_and_stopped(tmp_path):
    folder = tmp_path / "store"
    try:
        first = command(folder, "start")
        assert first.returncode == 0, first.stderr
        words = [shlex.split(line)[0] for line in first.stdout.splitlines()]
        assert set(words) == {"export", "unset"}
        assert command(folder, "start").stdout == command(folder, "status").stdout == first.stdout
        pids = json.loads((folder / "state.json").read_text())["pids"]
        os.kill(pids["object"], 9)
        wait_for_end(pids["object"])
        assert command(folder, "status").returncode == 3
        assert command(folder, "start").stdout == first.stdout
    finally:
        stopped = command(folder, "stop")
    assert stopped.returncode == 0
    assert command(folder, "status").returncode == 3
    assert oct((folder / "state.json").stat().st_mode & 0o077) == "0o0"


def wait_for_end(pid: int) -> None:
    while Path(f"/proc/{pid}/cmdline").exists() and Path(f"/proc/{pid}/cmdline").read_bytes():
        time.sleep(0.01)
