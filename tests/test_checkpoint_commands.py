import json
from pathlib import Path

import pytest
from tiny_checkpoint import make_checkpoint
from typer.testing import CliRunner

from reviewmine.cli import app
from reviewmine.errors import CheckpointError
from reviewmine.model.digest import digest
from reviewmine.model.inspect import builtin_checkpoint

runner = CliRunner()


def run(*arguments: str) -> str:
    found = runner.invoke(app, ["checkpoint", *arguments], catch_exceptions=False)
    assert found.exit_code == 0
    return found.stdout


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_checkpoint(tmp_path_factory.mktemp("made"))


def test_show_prints_the_card_or_spec_and_figures() -> None:
    assert digest(builtin_checkpoint()) in run("show", "builtin")
    shown = json.loads(run("show", "builtin", "--json"))
    assert shown["digest"] == shown["metrics"]["checkpoint"] == digest(builtin_checkpoint())
    assert shown["spec"]["languages"]


def test_a_checkpoint_without_a_card_is_shown_by_its_name(made: Path) -> None:
    assert digest(made) in run("show", str(made))


def test_verify_prints_the_digest_or_refuses_another(made: Path) -> None:
    assert digest(made) in run("verify", str(made), "--digest", digest(made))
    with pytest.raises(CheckpointError, match="expected 00ff"):
        runner.invoke(app, ["checkpoint", "verify", str(made), "--digest", "00ff"], catch_exceptions=False)


def test_pushed_and_pulled_it_is_the_same_checkpoint(made: Path, tmp_path: Path) -> None:
    name = run("push", str(made), str(tmp_path / "place")).strip()
    assert name == str(tmp_path / "place" / digest(made))
    run("pull", name, str(tmp_path / "pulled"))
    assert digest(tmp_path / "pulled") == digest(made)
    with pytest.raises(CheckpointError, match="is there already"):
        runner.invoke(app, ["checkpoint", "pull", name, str(tmp_path / "pulled")], catch_exceptions=False)


def test_merge_makes_a_checkpoint_with_its_weights_inside(made: Path, tmp_path: Path) -> None:
    run("merge", str(made), str(tmp_path / "merged"))
    assert (tmp_path / "merged" / "backbone" / "model.safetensors").is_file()
    run("verify", str(tmp_path / "merged"))
