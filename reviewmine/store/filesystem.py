"""Stores: named objects under one root, on a local disk or in an `s3://` bucket.

A store is the few operations that the publish protocol is made of, and nothing else. Names are relative to the
root, with `/` between segments. An operation raises StoreUnavailable when it cannot tell whether it took place.
"""

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import unquote

from reviewmine.config import refuse_secrets
from reviewmine.errors import UsageError

_URI = re.compile(r"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*)://(?P<rest>.*)", re.DOTALL)


@dataclass(frozen=True)
class Stored:
    """The body of an object, and the etag to condition the next put on."""

    body: bytes
    etag: str


@dataclass(frozen=True, order=True, slots=True)
class Listed:
    """An object as a listing or a HEAD shows it; `etag` changes whenever its bytes do.

    On a local disk the etag is made of size and modification time, and is not the one that `get` returns.
    `modified_at` is the store's own clock; None where a store does not tell.
    """

    name: str
    num_bytes: int
    etag: str
    modified_at: datetime | None = field(default=None, compare=False)


class Store(Protocol):
    """Named objects under one root.

    `compare_and_swap` declares whether `put_if` is atomic against other writers; where it is not, `put_if` looks
    first and then puts, and whoever uses it must be the only writer.
    """

    @property
    def root(self) -> str: ...

    @property
    def compare_and_swap(self) -> bool: ...

    def get(self, name: str) -> Stored | None:
        """The object, or None if there is none."""

    def open(self, name: str) -> Any:
        """The object as a random-access pyarrow file, for reading Parquet; FileNotFoundError if there is none."""

    def stat(self, name: str) -> Listed | None:
        """Size and etag of the object, or None if there is none."""

    def put(self, name: str, body: bytes) -> None:
        """Make or replace the object, whole or not at all."""

    def put_if(self, name: str, body: bytes, etag: str | None) -> str:
        """Put where the object still has `etag` (None: where there is none) and return the new etag.

        Raises PreconditionFailed where it does not.
        """

    def deny_compare_and_swap(self) -> None:
        """A probe found `put_if` not to be atomic, whatever was declared."""

    def copy(self, source: str, target: str) -> None:
        """Make `target` a copy of `source`, whole or not at all; StoreError if there is no `source`."""

    def delete(self, name: str) -> None:
        """Take the object away; no error if there is none."""

    def list(self, prefix: str) -> Iterator[Listed]:
        """The objects below the folder `prefix` (empty: below the root), in order of name."""


@dataclass(frozen=True)
class Location:
    """Where a table or an archive lives: `scheme` is `file` or `s3`; `path` has no trailing slash."""

    scheme: str
    path: str

    @classmethod
    def parse(cls, uri: str | Path) -> "Location":
        """Raises ConfigError for a URI that carries credentials, UsageError for an unknown scheme."""
        text = str(uri)
        refuse_secrets(text, where="URI")
        found = _URI.fullmatch(text)
        if found is None:
            return cls("file", os.path.normpath(Path(text).expanduser().absolute()))
        scheme, rest = found["scheme"], found["rest"]
        if scheme == "file" and rest.startswith("/"):
            return cls("file", os.path.normpath(unquote(rest)))
        bucket, _, prefix = rest.partition("/")
        if scheme == "s3" and bucket:
            return cls("s3", f"{bucket}/{prefix.strip('/')}".rstrip("/"))
        raise UsageError(f"{text}: found scheme {scheme!r}; expected a local path or s3://bucket/prefix")

    @property
    def uri(self) -> str:
        return self.path if self.scheme == "file" else f"s3://{self.path}"

    @property
    def name(self) -> str:
        """The last segment."""
        return self.path.rsplit("/", 1)[-1]

    def __truediv__(self, name: str) -> "Location":
        """The place called `name` below this one."""
        return Location(self.scheme, f"{self.path.rstrip('/')}/{name}")

    def holds(self, other: "Location") -> bool:
        """Whether `other` is this place or lies below it, links followed."""
        if self.scheme != other.scheme:
            return False
        if self.scheme == "s3":
            return f"{other.path}/".startswith(f"{self.path}/")
        return Path(other.path).resolve().is_relative_to(Path(self.path).resolve())

    @property
    def parent(self) -> "Location":
        if "/" not in self.path.strip("/"):
            raise UsageError(
                f"{self.uri}: expected a path below the top, such as {self.uri.rstrip('/')}/annotations"
            )
        return Location(self.scheme, self.path.rsplit("/", 1)[0] or "/")
