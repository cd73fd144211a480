"""Objects in an S3-compatible bucket: botocore for etags, conditions and copies, pyarrow for reading bulk bytes.

Credentials, region and endpoint come from the environment (AWS_ACCESS_KEY_ID, AWS_PROFILE, AWS_REGION,
AWS_ENDPOINT_URL, instance roles), so a store can be pickled to a worker without carrying a key.
"""

import logging
import os
from collections.abc import Iterator
from functools import cached_property
from typing import Any

import botocore.session
import pyarrow.fs
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, HTTPClientError, NoCredentialsError

from reviewmine.errors import PreconditionFailed, StoreError, StoreUnavailable
from reviewmine.store.filesystem import Listed, Stored

_log = logging.getLogger(__name__)
_ABSENT = {"404", "NoSuchKey", "NotFound"}
_LOST_RACE = {"412", "PreconditionFailed"}
_TRY_AGAIN = {"409", "ConditionalRequestConflict", "SlowDown", "RequestTimeout", "InternalError"}
_ADVICE = {
    "NoSuchBucket": "there is no such bucket; make it, or correct the URI",
    "AccessDenied": "this identity may not; check its policy",
    "403": "this identity may not; check its policy",
    "InvalidAccessKeyId": "the access key is unknown; check AWS_ACCESS_KEY_ID",
    "SignatureDoesNotMatch": "the secret is wrong; check AWS_SECRET_ACCESS_KEY",
    "ExpiredToken": "the session has expired; renew the credentials",
    "RequestTimeTooSkewed": "this machine's clock is off; set it",
}


class S3Store:
    """A store below `bucket/prefix`.

    Amazon S3 does conditional puts; a store that does not answers 501 to the first one, and from then on
    `compare_and_swap` is False and `put_if` looks before it puts. REVIEWMINE_COMPARE_AND_SWAP=0 declares it.
    """

    def __init__(self, path: str) -> None:
        self._bucket, _, prefix = path.partition("/")
        self._prefix = f"{prefix}/" if prefix else ""
        self._compare_and_swap = os.environ.get("REVIEWMINE_COMPARE_AND_SWAP", "1") != "0"

    def __getstate__(self) -> dict[str, Any]:
        kept = ("_bucket", "_prefix", "_compare_and_swap")
        return {name: self.__dict__[name] for name in kept}

    @property
    def root(self) -> str:
        return f"s3://{self._bucket}/{self._prefix}".rstrip("/")

    @property
    def compare_and_swap(self) -> bool:
        return self._compare_and_swap

    def get(self, name: str) -> Stored | None:
        try:
            answer = self._call("get_object", name)
        except FileNotFoundError:
            return None
        try:
            return Stored(answer["Body"].read(), answer["ETag"])
        except (HTTPClientError, BotoCoreError) as broken:
            raise StoreUnavailable(f"{self.root}/{name}: the reply broke off: {broken}") from broken

    def open(self, name: str) -> Any:
        return self._bulk.open_input_file(f"{self._bucket}/{self._prefix}{name}")

    def stat(self, name: str) -> Listed | None:
        try:
            answer = self._call("head_object", name)
        except FileNotFoundError:
            return None
        return Listed(name, answer["ContentLength"], answer["ETag"])

    def put(self, name: str, body: bytes) -> None:
        self._call("put_object", name, Body=body)

    def put_if(self, name: str, body: bytes, etag: str | None) -> str:
        if self._compare_and_swap:
            condition = {"IfMatch": etag} if etag else {"IfNoneMatch": "*"}
            try:
                return str(self._call("put_object", name, Body=body, **condition)["ETag"])
            except FileNotFoundError:
                raise PreconditionFailed(f"{self.root}/{name}: there is none, expected etag {etag}") from None
            except NotImplementedError:
                _log.warning("%s has no conditional puts: only one writer at a time is safe here", self.root)
                self._compare_and_swap = False
        current = self.stat(name)
        if (current.etag if current else None) != etag:
            raise PreconditionFailed(
                f"{self.root}/{name}: found etag {current and current.etag}, expected {etag}"
            )
        return str(self._call("put_object", name, Body=body)["ETag"])

    def copy(self, source: str, target: str) -> None:
        self._call("copy_object", target, CopySource={"Bucket": self._bucket, "Key": self._prefix + source})

    def delete(self, name: str) -> None:
        self._call("delete_object", name)

    def list(self, prefix: str) -> Iterator[Listed]:
        below = f"{self._prefix}{prefix.rstrip('/')}/" if prefix else self._prefix
        pages = self._client.get_paginator("list_objects_v2").paginate(Bucket=self._bucket, Prefix=below)
        try:
            for page in pages:
                for found in page.get("Contents", ()):
                    yield Listed(found["Key"][len(self._prefix) :], found["Size"], found["ETag"])
        except (ClientError, BotoCoreError, HTTPClientError) as refused:
            raise self._error("list", prefix, refused) from refused

    def _call(self, operation: str, name: str, **arguments: Any) -> dict[str, Any]:
        try:
            answer = getattr(self._client, operation)(
                Bucket=self._bucket, Key=self._prefix + name, **arguments
            )
        except (ClientError, BotoCoreError, HTTPClientError) as refused:
            raise self._error(operation, name, refused) from refused
        return dict(answer)

    def _error(self, operation: str, name: str, refused: Exception) -> Exception:
        where = f"{self.root}/{name}: {operation}"
        if isinstance(refused, NoCredentialsError):
            return StoreError(
                f"{where}: no credentials; set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY or a profile"
            )
        if not isinstance(refused, ClientError):
            return StoreUnavailable(f"{where}: {refused}")
        code = str(refused.response.get("Error", {}).get("Code", ""))
        status = int(refused.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
        if code in _ABSENT:
            return FileNotFoundError(where)
        if code in _LOST_RACE:
            return PreconditionFailed(f"{where}: the object is not what it was")
        if status == 501:
            return NotImplementedError(where)
        if code in _TRY_AGAIN or status >= 500:
            return StoreUnavailable(f"{where}: {code} ({status})")
        return StoreError(f"{where}: {code} ({status}): {_ADVICE.get(code, refused)}")

    @cached_property
    def _client(self) -> Any:
        style = "path" if _endpoint() else "auto"
        settings = Config(
            s3={"addressing_style": style},
            retries={"total_max_attempts": 1},  # RetryingStore retries, and knows what a lost reply means
            connect_timeout=10,
            read_timeout=60,
        )
        return botocore.session.get_session().create_client("s3", config=settings)

    @cached_property
    def _bulk(self) -> Any:
        return pyarrow.fs.S3FileSystem(endpoint_override=_endpoint(), region=os.environ.get("AWS_REGION"))


def _endpoint() -> str | None:
    return os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL")
