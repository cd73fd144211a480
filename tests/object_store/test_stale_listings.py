"""Stale listings: what a listing no longer, or not yet, shows."""

import xml.etree.ElementTree as ElementTree

from stale_listings import NAMESPACE, Changes


def listing(*keys: str) -> bytes:
    entries = "".join(f"<Contents><Key>{key}</Key><Size>3</Size></Contents>" for key in keys)
    body = f"<IsTruncated>false</IsTruncated><KeyCount>{len(keys)}</KeyCount>{entries}"
    return f'<ListBucketResult xmlns="{NAMESPACE}">{body}</ListBucketResult>'.encode()


def shown(changes: Changes, *keys: str, behind: int, **query: str) -> list[str]:
    root = ElementTree.fromstring(changes.stale(listing(*keys), "bucket", query, behind=behind))
    found = [entry.findtext(f"{{{NAMESPACE}}}Key") for entry in root.iter(f"{{{NAMESPACE}}}Contents")]
    assert root.findtext(f"{{{NAMESPACE}}}KeyCount") == str(len(found))
    return found


def test_new_objects_are_not_shown_and_deleted_ones_are():
    changes = Changes()
    changes.put("bucket/a", 3, "x")
    changes.put("bucket/b", 3, "x")
    changes.deleted("bucket/a")
    assert shown(changes, "b", behind=0) == ["b"]
    assert shown(changes, "b", behind=1) == ["a", "b"]
    assert shown(changes, "b", behind=2) == ["a"]
    assert shown(changes, "b", "old", behind=99) == ["a", "old"]


def test_an_object_that_was_overwritten_is_shown_all_along():
    changes = Changes()
    changes.put("bucket/a", 3, "x")
    changes.put("bucket/a", 4, "y")
    assert shown(changes, "a", behind=1) == ["a"]


def test_a_deleted_object_is_shown_only_below_its_prefix_and_in_its_bucket():
    changes = Changes()
    for name in ("bucket/a/1", "bucket/b/1", "another/a/2"):
        changes.put(name, 3, "x")
        changes.deleted(name)
    assert shown(changes, behind=1, prefix="a/") == []
    assert shown(changes, behind=5, prefix="a/") == ["a/1"]


def test_names_are_encoded_as_the_client_asked():
    changes = Changes()
    changes.put("bucket/dt=1/x y", 3, "x")
    assert shown(changes, "dt%3D1/x%20y", behind=1, **{"encoding-type": "url"}) == []
    changes.deleted("bucket/dt=1/x y")
    assert shown(changes, behind=1, **{"encoding-type": "url"}) == ["dt%3D1/x%20y"]


def test_a_copy_is_a_new_object():
    changes = Changes()
    changes.put("bucket/a", 3, "x")
    changes.copied("bucket/a", "bucket/b", "x")
    assert shown(changes, "a", "b", behind=1) == ["a"]
