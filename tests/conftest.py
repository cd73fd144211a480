"""What every test may ask for."""

import logging
import os
import uuid
from collections.abc import Iterator
from pathlib import Path

import hypothesis
import pytest

hypothesis.settings.register_profile("untimed", deadline=None, database=None, derandomize=True)
hypothesis.settings.load_profile("untimed")

BUCKET = "reviews"
KEY_ID, SECRET = "key-of-the-tests", "secret-of-the-tests"
SHARED_SETS = Path(__file__).resolve().parents[1].parent / "shared" / "data"


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
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        environment.delenv(name)
    environment.setenv("AWS_ENDPOINT_URL", address)
    environment.setenv("AWS_ACCESS_KEY_ID", KEY_ID)
    environment.setenv("AWS_SECRET_ACCESS_KEY", SECRET)
    environment.setenv("AWS_DEFAULT_REGION", "us-east-1")
    environment.setenv("AWS_EC2_METADATA_DISABLED", "true")
