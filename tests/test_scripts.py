"""The scripts a person meets first, run in a small copy of the checkout with a venv whose pip only takes notes."""

import os
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).parents[1]

# A pip that notes its arguments in `pip.log` and succeeds unless `pip.fails` is there; the rest is this Python.
PYTHON_OF_A_VENV = """#!/usr/bin/env bash
here=$(dirname "${BASH_SOURCE[0]}")
if [ "$1 $2" = "-m pip" ]; then
    shift 2
    [ "$1" = --version ] && exit 0
    sleep 0.2
    echo "$@" >>"$here/../pip.log"
    [ ! -e "$here/../pip.fails" ]
else
    exec "%s" "$@"
fi
"""


class SmallCheckout:
    """A checkout with scripts, pins and an existing environment, and nothing else."""

    def __init__(self, root: Path) -> None:
        self.root = root / "checkout"
        self.venv = root / "venv"
        shutil.copytree(CHECKOUT / "scripts", self.root / "scripts")
        for name in ("pyproject.toml", "constraints.txt"):
            shutil.copy(CHECKOUT / name, self.root / name)
        (self.venv / "bin").mkdir(parents=True)
        self.executable(self.venv / "bin" / "python", PYTHON_OF_A_VENV % sys.executable)

    @staticmethod
    def executable(path: Path, text: str) -> None:
        path.write_text(text)
        path.chmod(0o755)

    def run(
        self, script: str = "environment", *arguments: str, **variables: str
    ) -> subprocess.CompletedProcess[str]:
        environment = {**os.environ, "REVIEWMINE_VENV": str(self.venv), **variables}
        return subprocess.run(
            [self.root / "scripts" / script, *arguments],
            env=environment, text=True, capture_output=True, stdin=subprocess.DEVNULL, check=False,
        )  # fmt: skip

    @property
    def pip_calls(self) -> list[str]:
        log = self.venv / "pip.log"
        return log.read_text().splitlines() if log.exists() else []


@pytest.fixture
def small_checkout(tmp_path: Path) -> SmallCheckout:
    return SmallCheckout(tmp_path)


def test_the_first_run_installs_the_checkout_with_its_extras_under_the_constraints(
    small_checkout: SmallCheckout,
) -> None:
    assert small_checkout.run().returncode == 0
    (call,) = small_checkout.pip_calls
    assert f"-c {small_checkout.root}/constraints.txt -e {small_checkout.root}[builtin,dev]" in call


def test_a_second_run_installs_nothing(small_checkout: SmallCheckout) -> None:
    small_checkout.run()
    assert small_checkout.run().returncode == 0
    assert len(small_checkout.pip_calls) == 1


@pytest.mark.parametrize("name", ["pyproject.toml", "constraints.txt"])
def test_a_changed_pin_installs_again(small_checkout: SmallCheckout, name: str) -> None:
    small_checkout.run()
    path = small_checkout.root / name
    path.write_text(path.read_text() + "# changed\n")
    small_checkout.run()
    assert len(small_checkout.pip_calls) == 2


def test_two_commands_started_side_by_side_install_once(small_checkout: SmallCheckout) -> None:
    with ThreadPoolExecutor() as pool:
        results = list(pool.map(lambda _: small_checkout.run(), range(4)))
    assert [result.returncode for result in results] == [0] * 4
    assert len(small_checkout.pip_calls) == 1


def test_a_failed_install_says_so_and_is_tried_again(small_checkout: SmallCheckout) -> None:
    (small_checkout.venv / "pip.fails").touch()
    result = small_checkout.run()
    assert result.returncode == 1
    assert "pip could not install the environment" in result.stderr
    (small_checkout.venv / "pip.fails").unlink()
    assert small_checkout.run().returncode == 0
    assert len(small_checkout.pip_calls) == 2


def test_what_the_environment_says_stays_out_of_standard_output(small_checkout: SmallCheckout) -> None:
    result = small_checkout.run()
    assert result.stdout == ""
    assert "installing" in result.stderr


def test_a_venv_that_has_no_pip_is_refused_by_name(small_checkout: SmallCheckout) -> None:
    small_checkout.executable(small_checkout.venv / "bin" / "python", "#!/bin/sh\nexit 1\n")
    result = small_checkout.run()
    assert result.returncode == 1
    assert f"REVIEWMINE_VENV={small_checkout.venv} is no environment with pip" in result.stderr


def test_a_python_that_is_too_old_is_named_together_with_the_package_to_install(
    small_checkout: SmallCheckout, tmp_path: Path
) -> None:
    folder = tmp_path / "old"
    folder.mkdir()
    small_checkout.executable(
        folder / "python3", '#!/bin/sh\n[ "$1" = --version ] && echo Python 3.10.4 || exit 1\n'
    )
    for name in ("bash", "cat", "dirname", "env", "rm"):
        (folder / name).symlink_to(str(shutil.which(name)))
    result = small_checkout.run(REVIEWMINE_VENV=str(tmp_path / "none yet"), PATH=str(folder))
    assert result.returncode == 1
    assert "Python 3.11 or newer is needed; found Python 3.10.4" in result.stderr
    assert "apt install" in result.stderr


def test_the_demo_passes_its_arguments_and_exit_code_through(small_checkout: SmallCheckout) -> None:
    small_checkout.executable(small_checkout.venv / "bin" / "reviewmine", '#!/bin/sh\necho "$@"\nexit 3\n')
    result = small_checkout.run("demo", "--rows", "100")
    assert (result.stdout, result.returncode) == ("demo --rows 100\n", 3)


def test_the_object_store_and_the_fault_proxy_run_in_the_environment(small_checkout: SmallCheckout) -> None:
    status = small_checkout.run("object-store", "status")
    assert (status.stdout, status.returncode) == ("", 3)
    assert f"({small_checkout.root}/.object-store): not running" in status.stderr
    proxy = small_checkout.run("fault-proxy", "--help")
    assert (proxy.stderr, proxy.returncode) == ("", 0)
    assert "lost_reply" in proxy.stdout
    refused = small_checkout.run("fault-proxy", "http://127.0.0.1:1", "--rule", "fault=slow")
    assert (refused.stdout, refused.returncode) == ("", 2)
    assert "fault=slow: expected one of slow_down" in refused.stderr


def test_constraints_pin_every_package_once_and_leave_the_build_of_torch_open() -> None:
    lines = (CHECKOUT / "constraints.txt").read_text().splitlines()
    pins = [line for line in lines if not line.startswith("#")]
    names = [pin.split("==")[0].lower() for pin in pins]
    assert all("==" in pin and "+" not in pin for pin in pins)
    assert len(set(names)) == len(names)
    assert "torch" in names
    assert not [name for name in names if name.startswith(("nvidia", "triton", "cuda"))]


ONLY_THE_PLUGIN_IN_USE = {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PYTEST_ADDOPTS": "-p pytest_timeout"}
CI_TESTS = """
import pytest

def test_that_passes():
    pass

@pytest.mark.slow
def test_that_is_slow():
    {slow}

@pytest.mark.object_store
def test_that_needs_a_store():
    pass

def test_that_needs_sets():
    {sets}
"""


def run_ci(small_checkout: SmallCheckout, *, slow: str = "pass", sets: str = "pass") -> tuple[int, list[str]]:
    shutil.copytree(CHECKOUT / ".ci", small_checkout.root / ".ci")
    (small_checkout.root / "tests").mkdir()
    (small_checkout.root / "tests" / "test_small.py").write_text(CI_TESTS.format(slow=slow, sets=sets))
    for tool in ("ruff", "mypy"):
        small_checkout.executable(small_checkout.venv / "bin" / tool, "#!/bin/sh\n")
    result = subprocess.run(
        [small_checkout.root / ".ci" / "run"],
        env={
            **os.environ,
            **ONLY_THE_PLUGIN_IN_USE,
            "REVIEWMINE_VENV": str(small_checkout.venv),
            "CI": "true",
        },
        text=True,
        capture_output=True,
        check=False,
    )
    return result.returncode, result.stdout.splitlines()


def test_ci_runs_fast_and_slow_tests_and_those_of_an_object_store(small_checkout: SmallCheckout) -> None:
    assert run_ci(small_checkout)[1][-1] == "4 passed, 0 failed, 0 skipped"


@pytest.mark.slow
def test_ci_fails_with_a_slow_test(small_checkout: SmallCheckout) -> None:
    code, lines = run_ci(small_checkout, slow="assert False")
    assert (code, lines[-1]) == (1, "3 passed, 1 failed, 0 skipped")


@pytest.mark.slow
def test_ci_fails_when_review_sets_are_there_and_a_test_did_without(small_checkout: SmallCheckout) -> None:
    (small_checkout.root.parent / "shared").mkdir()
    code, lines = run_ci(small_checkout, sets='pytest.skip("no review sets in ../shared/data")')
    assert code == 1
    assert "skipped although it could run: tests.test_small::test_that_needs_sets" in lines


JUNIT = """<testsuites><testsuite tests="{tests}" failures="{failures}" errors="0" skipped="{skipped}">
<testcase classname="tests.test_a" name="test_b">{detail}</testcase></testsuite></testsuites>"""


def verdict(
    tmp_path: Path, *flags: str, tests: int = 2, failures: int = 0, detail: str = ""
) -> tuple[int, str]:
    report = tmp_path / "report.xml"
    skipped = detail.count("<skipped")
    report.write_text(JUNIT.format(tests=tests, failures=failures, skipped=skipped, detail=detail))
    result = subprocess.run(
        [sys.executable, CHECKOUT / ".ci" / "verdict", *flags, report],
        text=True,
        capture_output=True,
        check=False,
    )
    return result.returncode, result.stdout


def test_ci_passes_when_tests_passed_and_says_how_many(tmp_path: Path) -> None:
    assert verdict(tmp_path) == (0, "2 passed, 0 failed, 0 skipped\n")


def test_ci_fails_when_a_test_failed_or_none_ran(tmp_path: Path) -> None:
    assert verdict(tmp_path, failures=1)[0] == 1
    assert verdict(tmp_path, tests=0)[0] == 1


@pytest.mark.parametrize(
    "detail",
    [
        '<skipped type="pytest.skip" message="needs the review sets of ../shared" />',
        "<skipped type=\"pytest.skip\" message=\"collection skipped\">('a.py', 3, 'Skipped: no ../Shared')</skipped>",
    ],
)
def test_ci_fails_when_a_test_was_skipped_for_what_is_there(tmp_path: Path, detail: str) -> None:
    assert verdict(tmp_path, detail=detail)[0] == 0
    code, output = verdict(tmp_path, "--never-skipped-for", "shared", detail=detail)
    assert code == 1
    assert "skipped although it could run: tests.test_a::test_b" in output


def test_ci_lets_a_test_be_skipped_for_something_else(tmp_path: Path) -> None:
    detail = '<skipped type="pytest.skip" message="no CUDA device" />'
    assert verdict(tmp_path, "--never-skipped-for", "shared", detail=detail)[0] == 0
