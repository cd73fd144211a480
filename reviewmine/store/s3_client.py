"""Connections to S3, made from the environment and shared by all stores of a process, and what its errors mean.

Credentials, region and endpoint are AWS_ACCESS_KEY_ID, AWS_PROFILE, AWS_REGION, AWS_ENDPOINT_URL and what else
botocore and pyarrow read there, or an instance role.
"""

import os
from functools import lru_cache
from typing import Any

import botocore.session
import pyarrow.fs
from botocore.config import Config
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectionError,
    CredentialRetrievalError,
    HTTPClientError,
    IncompleteReadError,
    NoCredentialsError,
)

from reviewmine.errors import PreconditionFailed, StoreError, StoreUnavailable

REFUSALS = (ClientError, BotoCoreError)
"""Everything that a call to S3 raises."""

_NO_ANSWER = (HTTPClientError, ConnectionError, IncompleteReadError, CredentialRetrievalError)
_ABSENT = {"404", "NoSuchKey", "NotFound"}
_LOST_RACE = {"412", "PreconditionFailed"}
_TRY_AGAIN = {"409", "ConditionalRequestConflict", "OperationAborted", "SlowDown", "RequestTimeout"}
_ADVICE = {
    "NoSuchBucket": "there is no such bucket; make it, or correct the URI",
    "AccessDenied": "this identity may not; check its policy",
    "400": "the session has expired, or the region is another; renew the credentials, and check AWS_REGION",
    "403": "this identity may not, its secret is wrong, or this machine's clock is off; check its policy and "
    "AWS_SECRET_ACCESS_KEY",
    "InvalidAccessKeyId": "the access key is unknown; check AWS_ACCESS_KEY_ID",
    "SignatureDoesNotMatch": "the secret is not that of the key; check AWS_SECRET_ACCESS_KEY and AWS_ACCESS_KEY_ID",
    "ExpiredToken": "the session has expired; renew the credentials",
    "RequestTimeTooSkewed": "this machine's clock is off; set it",
}


def client() -> Any:
    """The botocore client for the environment as it is now; it retries nothing."""
    return _client(_endpoint(), _region(), _identity())


def bulk(bucket: str) -> Any:
    """The pyarrow filesystem for reading the objects of `bucket`.

    Amazon's buckets are asked for their region: botocore follows one that is elsewhere, pyarrow does not.
    """
    endpoint = _endpoint()
    region = _region() if endpoint else pyarrow.fs.resolve_s3_region(bucket)
    return _bulk(endpoint, region, _identity())


def iceberg_properties() -> dict[str, str]:
    """What pyiceberg does not read from the environment by itself, under its own names."""
    found = {"s3.endpoint": _endpoint(), "s3.region": _region()}
    return {name: value for name, value in found.items() if value}


def meaning(refused: Exception, where: str) -> Exception:
    """What an error that a call raised says to a store.

    FileNotFoundError and NotImplementedError are for the store to answer; the rest are StoreErrors, of which
    StoreUnavailable may be tried again.
    """
    if isinstance(refused, NoCredentialsError):
        return StoreError(
            f"{where}: no credentials; set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY or a profile"
        )
    if isinstance(refused, _NO_ANSWER):
        return StoreUnavailable(f"{where}: {refused}")
    if not isinstance(refused, ClientError):
        return StoreError(f"{where}: {refused}")
    code = str(refused.response.get("Error", {}).get("Code", ""))
    status = int(refused.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
    if code in _ABSENT:
        return FileNotFoundError(where)
    if code in _LOST_RACE:
        return PreconditionFailed(f"{where}: the object is not what it was")
    if status == 501:
        return NotImplementedError(where)
    if code in _TRY_AGAIN or status == 429 or status >= 500:
        return StoreUnavailable(f"{where}: {code} ({status})")
    return StoreError(f"{where}: {code} ({status}): {_ADVICE.get(code, refused)}")


@lru_cache(maxsize=8)
def _client(endpoint: str | None, region: str | None, identity: tuple[str | None, str | None]) -> Any:
    settings = Config(
        s3={"addressing_style": "path" if endpoint else "auto"},
        retries={"total_max_attempts": 1},  # RetryingStore retries, and knows what a lost reply means
        max_pool_connections=32,
        connect_timeout=10,
        read_timeout=60,
    )
    return botocore.session.get_session().create_client("s3", region_name=region, config=settings)


@lru_cache(maxsize=8)
def _bulk(endpoint: str | None, region: str | None, identity: tuple[str | None, str | None]) -> Any:
    return pyarrow.fs.S3FileSystem(endpoint_override=endpoint, region=region)


def _identity() -> tuple[str | None, str | None]:
    return os.environ.get("AWS_ACCESS_KEY_ID"), os.environ.get("AWS_PROFILE")


def _region() -> str | None:
    return os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION")


def _endpoint() -> str | None:
    return os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL")
