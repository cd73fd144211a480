"""Stale listings: what a listing showed some changes ago, for a store whose listings are up to date."""

import threading
import xml.etree.ElementTree as ElementTree
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import quote, unquote

NAMESPACE = "http://s3.amazonaws.com/doc/2006-03-01/"


@dataclass(frozen=True)
class _Change:
    """An object as it stood, and the number of the change that made it so or took it away."""

    number: int
    num_bytes: int
    etag: str


class Changes:
    """Every object that was put or deleted through here, in order. Names are `bucket/key`."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._num_changes = 0
        self._made: dict[str, _Change] = {}
        self._deleted: dict[str, _Change] = {}

    def put(self, name: str, num_bytes: int, etag: str) -> None:
        with self._lock:
            self._num_changes += 1
            before = self._made.get(name)  # an overwritten object is listed all along
            number = before.number if before else self._num_changes
            self._made[name] = _Change(number, num_bytes, etag)
            self._deleted.pop(name, None)

    def copied(self, source: str, target: str, etag: str) -> None:
        known = self._made.get(source)
        self.put(target, known.num_bytes if known else 0, etag)

    def deleted(self, name: str) -> None:
        with self._lock:
            self._num_changes += 1
            gone = self._made.pop(name, None)
            if gone:
                self._deleted[name] = _Change(self._num_changes, gone.num_bytes, gone.etag)

    def stale(self, listing: bytes, bucket: str, query: Mapping[str, str], *, behind: int) -> bytes:
        """The body of a reply to ListObjects as it was `behind` changes ago: without new objects, with deleted ones.

        A page that others follow, or that is grouped by a delimiter, shows no deleted objects.
        """
        ElementTree.register_namespace("", NAMESPACE)
        root = ElementTree.fromstring(listing)
        space = root.tag.removesuffix("ListBucketResult")
        encode, decode = (quote, unquote) if query.get("encoding-type") == "url" else (str, str)
        with self._lock:
            horizon = self._num_changes - behind
            new = {name for name, made in self._made.items() if made.number > horizon}
            gone = {name: then for name, then in self._deleted.items() if then.number > horizon}
        shown = {
            decode(entry.findtext(f"{space}Key") or ""): entry for entry in root.findall(f"{space}Contents")
        }
        for entry in shown.values():
            root.remove(entry)
        shown = {key: entry for key, entry in shown.items() if f"{bucket}/{key}" not in new}
        if root.findtext(f"{space}IsTruncated") != "true" and "delimiter" not in query:
            for name, then in gone.items():
                key = name.removeprefix(f"{bucket}/")
                if name != key and key.startswith(query.get("prefix", "")):
                    shown[key] = _entry(space, encode(key), then)
        for key in sorted(shown):
            root.append(shown[key])
        count = root.find(f"{space}KeyCount")
        if count is not None:
            count.text = str(len(shown))
        return ElementTree.tostring(root, encoding="utf-8", xml_declaration=True)


def _entry(space: str, key: str, then: _Change) -> ElementTree.Element:
    entry = ElementTree.Element(f"{space}Contents")
    values = {"Key": key, "LastModified": "2024-01-01T00:00:00.000Z", "ETag": then.etag}
    for name, text in {**values, "Size": str(then.num_bytes), "StorageClass": "STANDARD"}.items():
        ElementTree.SubElement(entry, f"{space}{name}").text = text
    return entry
