import shutil
from pathlib import Path

import pytest
from tiny_checkpoint import make_checkpoint

from reviewmine.checkpoints import is_remote, local_checkpoint, push
from reviewmine.errors import CheckpointError
from reviewmine.model.checkpoint import load_checkpoint
from reviewmine.model.digest import DIGEST_FILE, digest
from reviewmine.model.inspect import builtin_checkpoint
from reviewmine.store.filesystem import Location
from reviewmine.store.opening import open_store


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_checkpoint(tmp_path_factory.mktemp("made"))


@pytest.fixture
def remote(s3_uri: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A place in object storage, and a cache of this test's own."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return f"{s3_uri}/checkpoints"


def test_built_in_and_local_checkpoints_are_where_they_are(tmp_path: Path) -> None:
    assert local_checkpoint("builtin") == builtin_checkpoint()
    assert local_checkpoint(tmp_path) == tmp_path
    assert not is_remote(tmp_path)
    assert not is_remote(f"file://{tmp_path}")
    assert is_remote("s3://bucket/x")


def test_what_is_pushed_is_named_by_its_digest_and_comes_back_whole(made: Path, remote: str) -> None:
    name = push(made, remote)
    assert name == f"{remote}/{digest(made)}"
    fetched = local_checkpoint(name, expected_digest=digest(made))
    assert load_checkpoint(fetched).digest == digest(made)
    assert {p.name for p in fetched.rglob("*")} == {p.name for p in made.rglob("*")}


def test_a_checkpoint_that_is_here_is_not_fetched_again(made: Path, remote: str) -> None:
    name = push(made, remote)
    fetched = local_checkpoint(name)
    before = {path: path.stat().st_ino for path in fetched.rglob("*")}
    assert local_checkpoint(name) == fetched
    assert {path: path.stat().st_ino for path in fetched.rglob("*")} == before


def test_pushed_twice_only_what_tells_of_it_is_put_again(made: Path, remote: str, tmp_path: Path) -> None:
    name = push(made, remote)
    store = open_store(Location.parse(name))
    first = {one.name: one.etag for one in store.list("")}
    copy = Path(shutil.copytree(made, tmp_path / "copy"))
    (copy / "MODEL_CARD.md").write_text("more is known now")
    assert push(copy, remote) == name
    second = {one.name: one.etag for one in store.list("")}
    assert second.pop("MODEL_CARD.md") != first.pop("MODEL_CARD.md", None)
    assert second == first


def test_a_push_that_broke_off_is_not_a_checkpoint_and_is_mended_by_the_next(made: Path, remote: str) -> None:
    name = push(made, remote)
    store = open_store(Location.parse(name))
    store.delete(DIGEST_FILE)
    with pytest.raises(CheckpointError, match=r"no digest\.json there.*push the checkpoint"):
        local_checkpoint(name)
    push(made, remote)
    assert local_checkpoint(name).name == digest(made)


def test_another_digest_than_the_one_expected_is_refused(made: Path, remote: str) -> None:
    with pytest.raises(CheckpointError, match="expected 00ff"):
        local_checkpoint(push(made, remote), expected_digest="00ff")


def test_a_file_altered_in_the_store_is_found_and_not_kept(made: Path, remote: str, tmp_path: Path) -> None:
    name = push(made, remote)
    open_store(Location.parse(name)).put("spec.json", b"{}")
    with pytest.raises(CheckpointError, match=r"spec\.json \(altered\)"):
        local_checkpoint(name)
    assert list((tmp_path / "cache" / "reviewmine" / "checkpoints").iterdir()) == []
    push(made, remote)
    assert local_checkpoint(name).name == digest(made)
