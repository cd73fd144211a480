"""Jobs on a cluster with its dashboard and token authentication on: the job's exit code is the run's."""

import json
import os
import secrets
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from daily_archive import judge, write_daily

pytestmark = pytest.mark.slow

CHECKOUT = Path(__file__).resolve().parents[2]
LIMIT_S = 600
PORTS = ("port", "dashboard-port", "ray-client-server-port", "dashboard-agent-listen-port")
"""Every port of a head that Ray does not choose freely: a second Ray on the machine may have taken the usual ones."""
BIN = Path(sys.executable).parent


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """A local head node, alone; the environment that reaches it. `ADDRESS` is its dashboard."""
    root = tmp_path_factory.mktemp("head")
    token = root / "token"
    token.write_text(secrets.token_hex(32))
    ports = {name: _free_port() for name in PORTS}
    path = f"{BIN}{os.pathsep}{os.environ['PATH']}"  # as in the image of a cluster, `python` is ours
    environment = os.environ | {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN_PATH": str(token), "PATH": path}
    environment.pop("RAY_ADDRESS", None)
    options = [f"--{name}={port}" for name, port in ports.items()]
    command = [
        str(BIN / "ray"),
        "start",
        "--head",
        "--block",
        "--num-cpus=4",
        "--disable-usage-stats",
        *options,
    ]
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as head:
        assert head.stdout is not None
        for line in head.stdout:
            if "Ray runtime started" in line:
                break
        reach = environment | {"ADDRESS": f"http://127.0.0.1:{ports['dashboard-port']}"}
        try:
            _wait_for_agent(reach)
            yield reach
        finally:
            head.terminate()
            head.communicate(timeout=60)


def _wait_for_agent(cluster: dict[str, str]) -> None:
    """The head answers some time before it can run a job."""
    deadline = time.monotonic() + LIMIT_S
    command = [str(BIN / "ray"), "job", "submit", "--address", cluster["ADDRESS"], "--", "true"]
    while subprocess.run(command, env=cluster, capture_output=True, check=False).returncode:
        assert time.monotonic() < deadline, "the cluster never had an agent to run jobs"
        time.sleep(1)


def submit(cluster: dict[str, str], *command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command, env=cluster, cwd=CHECKOUT, capture_output=True, text=True, timeout=LIMIT_S, check=False
    )


def test_ray_job_submit_annotates_and_reports_success(cluster, tmp_path, tiny_checkpoint):
    archive, table = write_daily(tmp_path / "archive"), tmp_path / "annotations"
    done = submit(
        cluster,
        *(str(BIN / "ray"), "job", "submit", "--address", cluster["ADDRESS"], "--working-dir", "jobs/.."),
        *("--runtime-env-json", json.dumps({"excludes": [".venv", ".git", "demo", "tests"]}), "--"),
        *(sys.executable, "jobs/annotate.py", str(archive), str(table), "--run", "jobs/runs/annotate.toml"),
        *("--checkpoint", str(tiny_checkpoint), "--num-actors", "1"),
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "3 partitions published" in done.stdout
    judge(table, archive)


def test_a_job_that_must_fail_reports_failure_with_a_message_a_person_can_act_on(cluster, tmp_path):
    done = submit(
        cluster,
        *(sys.executable, "-m", "reviewmine", "submit", "annotate", "--address", cluster["ADDRESS"]),
        *("--working-dir", str(CHECKOUT), str(tmp_path / "nowhere"), str(tmp_path / "annotations")),
    )
    assert done.returncode == 1, done.stdout + done.stderr
    assert "nowhere: found no Parquet files; expected a file, a folder or a prefix" in done.stdout


def test_a_job_with_a_wrong_option_keeps_its_exit_code(cluster, tmp_path):
    done = submit(
        cluster,
        *(sys.executable, "-m", "reviewmine", "submit", "annotate", "--address", cluster["ADDRESS"]),
        *("--working-dir", str(CHECKOUT), str(tmp_path), str(tmp_path / "t"), "--partition-by", "week"),
    )
    assert done.returncode == 2, done.stdout + done.stderr


def test_a_cluster_that_does_not_answer_is_named_and_may_be_asked_again():
    address = f"http://127.0.0.1:{_free_port()}"
    done = submit(
        dict(os.environ),
        *(sys.executable, "-m", "reviewmine", "submit", "annotate", "--address", address, "a", "t"),
    )
    assert done.returncode == 1
    assert address in done.stderr


NOTING = """
import sys, time
from pathlib import Path
notes, seconds, code = Path(sys.argv[1]), float(sys.argv[2]), int(sys.argv[3])
notes.write_text((notes.read_text() if notes.exists() else "") + "began\\n")
time.sleep(seconds)
print("end of the job")
sys.exit(code)
"""


@pytest.fixture
def noting(tmp_path: Path) -> Path:
    """A folder with a job that notes when it begins, and ends after so many seconds with the exit code it is given."""
    (tmp_path / "work" / "jobs").mkdir(parents=True)
    (tmp_path / "work" / "jobs" / "noting.py").write_text(NOTING)
    return tmp_path / "work"


def noting_command(cluster: dict[str, str], noting: Path, submission_id: str, *arguments: str) -> list[str]:
    return [
        *(sys.executable, "-m", "reviewmine", "submit", "noting", "--address", cluster["ADDRESS"]),
        *(
            "--working-dir",
            str(noting),
            "--submission-id",
            submission_id,
            str(noting.parent / "notes"),
            *arguments,
        ),
    ]


def test_a_job_sent_twice_under_one_id_runs_once_and_both_see_it_to_its_end(cluster, noting):
    command = noting_command(cluster, noting, "twice", "8", "0")
    both = [
        subprocess.Popen(command, env=cluster, cwd=CHECKOUT, stdout=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    out = [one.communicate(timeout=LIMIT_S)[0] for one in both]
    assert [one.returncode for one in both] == [0, 0]
    assert all("end of the job" in text for text in out)
    assert (noting.parent / "notes").read_text() == "began\n"


def test_a_job_that_failed_is_tried_again_under_the_next_id(cluster, noting):
    assert submit(cluster, *noting_command(cluster, noting, "failing", "0", "1")).returncode == 1
    assert submit(cluster, *noting_command(cluster, noting, "failing", "0", "0")).returncode == 0
    assert (noting.parent / "notes").read_text() == "began\n" * 2


def test_sigterm_to_who_submitted_stops_the_job_and_says_that_it_can_be_resumed(cluster, noting):
    command = noting_command(cluster, noting, "stopped", "600", "0")
    with subprocess.Popen(command, env=cluster, cwd=CHECKOUT, stderr=subprocess.PIPE, text=True) as waiting:
        while not (noting.parent / "notes").exists():
            assert waiting.poll() is None
            time.sleep(0.2)
        waiting.terminate()
        _, said = waiting.communicate(timeout=LIMIT_S)
    assert waiting.returncode == 4, said
    assert "stopped by SIGTERM" in said
    listed = submit(cluster, str(BIN / "ray"), "job", "status", "--address", cluster["ADDRESS"], "stopped")
    assert "STOPPED" in (listed.stdout + listed.stderr).upper()


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])
