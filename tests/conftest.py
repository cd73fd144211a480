"""What every test may ask for."""

import logging
import os
import shlex
import subprocess
import sys
import urllib.error
import urllib.request
import uuid
from collections.abc import Iterator, Mapping
from pathlib import Path

import hypothesis
import pytest

hypothesis.settings.register_profile("untimed", deadline=None, database=None, derandomize=True)
hypothesis.settings.load_profile("untimed")

BUCKET = "reviews"
KEY_ID, SECRET = "key-of-the-tests", "secret-of-the-tests"
CHECKOUT = Path(__file__).resolve().parents[1]
SHARED_SETS = CHECKOUT.parent / "shared" / "data"


@pytest.fixture(scope="session")
def shared_sets() -> Path:
    """The folder of labelled review sets beside the checkout."""
    if not SHARED_SETS.is_dir():
        pytest.skip("the labelled review sets are not beside this checkout (../shared/data)")
    return SHARED_SETS


@pytest.fixture(scope="session")
def s3_server() -> Iterator[str]:
    """The address of a server that answers for as long as the tests run."""
    import botocore.session  # like the server, slow to import and wanted by few tests
    from s3_server import serving

    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    with serving() as address:
        with pytest.MonkeyPatch.context() as environment:
            lead_to(address, environment)
            botocore.session.get_session().create_client("s3").create_bucket(Bucket=BUCKET)
        yield address


@pytest.fixture
def s3_uri(s3_server: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """A URI of its own for each test, and the environment that leads there."""
    lead_to(s3_server, monkeypatch)
    return f"s3://{BUCKET}/{uuid.uuid4().hex}"


def lead_to(address: str, environment: pytest.MonkeyPatch) -> None:
    """Set the environment to the server at `address`, and nothing else of AWS."""
    set_aws(
        {
            "AWS_ENDPOINT_URL": address,
            "AWS_ACCESS_KEY_ID": KEY_ID,
            "AWS_SECRET_ACCESS_KEY": SECRET,
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_EC2_METADATA_DISABLED": "true",
        },
        environment,
    )


def set_aws(variables: Mapping[str, str], environment: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        environment.delenv(name)
    for name, value in variables.items():
        environment.setenv(name, value)


@pytest.fixture(scope="session")
def object_store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mapping[str, str]]:
    """The environment of the store of scripts/object-store: one that this shell leads to, or one of the session's own.

    Unlike moto's server it verifies signatures, and is the processes, sockets and disk that can fail.
    """
    exported = {name: value for name, value in os.environ.items() if name.startswith("AWS_")}
    if _is_swift(exported.get("AWS_ENDPOINT_URL")):
        yield exported
        return
    folder = tmp_path_factory.mktemp("object-store")
    command = [
        sys.executable,
        str(CHECKOUT / "scripts" / "object_store" / "object_store.py"),
        "--folder",
        str(folder),
    ]
    try:
        started = subprocess.run([*command, "start"], stdout=subprocess.PIPE, text=True, check=True)
        lines = [shlex.split(line) for line in started.stdout.splitlines()]
        yield dict(words[1].split("=", 1) for words in lines if words[0] == "export")
    finally:
        subprocess.run([*command, "stop"], check=True)


@pytest.fixture
def object_store_uri(object_store: Mapping[str, str], monkeypatch: pytest.MonkeyPatch) -> str:
    """A URI of its own for each test in that store, and the environment that leads there."""
    set_aws(object_store, monkeypatch)
    return f"s3://reviewmine/{uuid.uuid4().hex}"


def _is_swift(address: str | None) -> bool:
    try:
        with urllib.request.urlopen(f"{address}/info", timeout=10) as reply:
            return b'"swift"' in reply.read()
    except (ValueError, urllib.error.URLError):
        return False
