"""Objects in an S3-compatible bucket: botocore for etags, conditions and copies, pyarrow for reading bulk bytes.

A store holds no connection and no key, only names, so it can be pickled to a worker.
"""

import logging
import os
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

from reviewmine.errors import PreconditionFailed, StoreError, StoreUnavailable
from reviewmine.store.filesystem import Listed, Stored
from reviewmine.store.s3_client import REFUSALS, bulk, client, meaning

_log = logging.getLogger(__name__)


class S3Store:
    """A store below `bucket/prefix`.

    Amazon S3 does conditional puts; where one is answered 501, or a probe finds them unheeded, from then on
    `compare_and_swap` is False and `put_if` looks before it puts. REVIEWMINE_COMPARE_AND_SWAP=0 declares it.
    """

    def __init__(self, path: str) -> None:
        self._bucket, _, prefix = path.partition("/")
        self._prefix = f"{prefix}/" if prefix else ""
        self._compare_and_swap = os.environ.get("REVIEWMINE_COMPARE_AND_SWAP", "1") != "0"

    @property
    def root(self) -> str:
        return f"s3://{self._bucket}/{self._prefix}".rstrip("/")

    @property
    def compare_and_swap(self) -> bool:
        return self._compare_and_swap

    def deny_compare_and_swap(self) -> None:
        self._compare_and_swap = False

    def get(self, name: str) -> Stored | None:
        try:
            answer = self._call("get_object", name)
        except FileNotFoundError:
            return None
        try:
            return Stored(answer["Body"].read(), answer["ETag"])
        except REFUSALS as broken:
            raise meaning(broken, f"{self.root}/{name}: the reply broke off") from broken

    def open(self, name: str) -> Any:
        try:
            return bulk(self._bucket).open_input_file(f"{self._bucket}/{self._prefix}{name}")
        except FileNotFoundError:
            raise
        except OSError as broken:
            if (
                self.stat(name) is None
            ):  # raises what is amiss, in the words that every other operation has for it
                raise FileNotFoundError(f"{self.root}/{name}") from broken
            raise StoreUnavailable(f"{self.root}/{name}: cannot be opened: {broken}") from broken

    def stat(self, name: str) -> Listed | None:
        try:
            answer = self._call("head_object", name)
        except FileNotFoundError:
            return None
        return Listed(name, answer["ContentLength"], answer["ETag"], answer["LastModified"])

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
        origin = {"Bucket": self._bucket, "Key": self._prefix + source}
        try:
            self._call("copy_object", target, CopySource=origin)
        except FileNotFoundError as absent:
            raise StoreError(f"{self.root}/{source}: cannot be copied: there is no such object") from absent

    def delete(self, name: str) -> None:
        with suppress(FileNotFoundError):
            self._call("delete_object", name)

    def list(self, prefix: str) -> Iterator[Listed]:
        below = f"{self._prefix}{prefix.rstrip('/')}/" if prefix else self._prefix
        try:
            pages = client().get_paginator("list_objects_v2").paginate(Bucket=self._bucket, Prefix=below)
            for page in pages:
                for found in page.get("Contents", ()):
                    name = found["Key"][len(self._prefix) :]
                    yield Listed(name, found["Size"], found["ETag"], found["LastModified"])
        except REFUSALS as refused:
            raise meaning(refused, f"{self.root}/{prefix}: list") from refused

    def _call(self, operation: str, name: str, **arguments: Any) -> dict[str, Any]:
        try:
            answer = getattr(client(), operation)(Bucket=self._bucket, Key=self._prefix + name, **arguments)
        except REFUSALS as refused:
            raise meaning(refused, f"{self.root}/{name}: {operation}") from refused
        return dict(answer)
