"""What is remembered of a store from one start to the next, and the environment that leads to it."""

import json
import shlex
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from swift_environment import CannotStart
from swift_files import WRITER

REGION = "us-east-1"


@dataclass(frozen=True)
class State:
    """What is remembered from one start to the next: the ports and the secret stay, the process ids do not."""

    ports: dict[str, int]
    secret: str
    pids: dict[str, int]

    @classmethod
    def read(cls, path: Path) -> "State | None":
        """None where nothing is remembered; raises CannotStart for a file that is no such thing."""
        try:
            return cls(**json.loads(path.read_text()))
        except FileNotFoundError:
            return None
        except (ValueError, TypeError) as unreadable:
            raise CannotStart(f"{path}: cannot be understood ({unreadable}); delete {path.parent}") from None

    def write(self, path: Path) -> None:
        beside = path.with_suffix(".new")
        beside.write_text(json.dumps(asdict(self), indent=1))
        beside.replace(path)

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self.ports['proxy']}"

    @property
    def variables(self) -> dict[str, str]:
        """The environment that leads to the store."""
        return {
            "AWS_ENDPOINT_URL": self.endpoint,
            "AWS_ACCESS_KEY_ID": WRITER,
            "AWS_SECRET_ACCESS_KEY": self.secret,
            "AWS_DEFAULT_REGION": REGION,
            "AWS_REGION": REGION,
            "AWS_EC2_METADATA_DISABLED": "true",
        }


def exports(variables: Mapping[str, str]) -> str:
    """Lines for a shell; what would lead away from the store is unset."""
    lines = [f"export {name}={shlex.quote(value)}" for name, value in variables.items()]
    return "\n".join([*lines, "unset AWS_SESSION_TOKEN AWS_PROFILE AWS_ENDPOINT_URL_S3"])


def is_running(pid: int, settings: Path) -> bool:
    """Whether process `pid` lives and was started with this settings file."""
    try:
        arguments = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    except (FileNotFoundError, ProcessLookupError, PermissionError):
        return False
    return str(settings).encode() in arguments
