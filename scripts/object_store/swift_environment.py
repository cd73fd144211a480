"""Swift's own virtual environment: made once, with exactly the versions of requirements.txt beside this module."""

import fcntl
import hashlib
import subprocess
import sys
from pathlib import Path

REQUIREMENTS = Path(__file__).with_name("requirements.txt")


class CannotStart(Exception):
    """Why there is no store, in words for a person."""


def python_with_swift(venv: Path) -> Path:
    """The Python of the environment at `venv`, which is made or remade where requirements.txt asks for another."""
    python, stamp = venv / "bin" / "python", venv / ".installed"
    wanted = hashlib.sha256(REQUIREMENTS.read_bytes() + sys.version.encode()).hexdigest()
    venv.mkdir(parents=True, exist_ok=True)
    with (venv / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # of two that start side by side, one installs
        if not stamp.exists() or stamp.read_text() != wanted:
            stamp.unlink(missing_ok=True)
            print(f"object-store: installing OpenStack Swift into {venv} (a minute, once)", file=sys.stderr)
            # Debian's Python may lack ensurepip: the pip of this environment installs into the other one.
            _run([sys.executable, "-m", "venv", "--without-pip", str(venv)], "no environment could be made")
            pip = [sys.executable, "-m", "pip", "--python", str(python), "--disable-pip-version-check"]
            _run([*pip, "install", "--quiet", "--no-input", "--no-deps", "-r", str(REQUIREMENTS)],
                 f"pip could not install Swift into {venv}")  # fmt: skip
            stamp.write_text(wanted)
    return python


def _run(command: list[str], otherwise: str) -> None:
    """Run it with its words on stderr; CannotStart says `otherwise` where it fails."""
    if subprocess.run(command, stdout=sys.stderr, check=False).returncode:
        raise CannotStart(f"{otherwise} (see above); nothing outside that folder was changed")
