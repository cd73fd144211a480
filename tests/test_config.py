"""Run files: what is read, what is refused, and how the refusal reads."""

from typing import Literal

import pytest
from pydantic import ValidationError

from reviewmine.config import RunModel, load_run_file, refuse_secrets
from reviewmine.errors import ConfigError


class Oven(RunModel):
    num_trays: int = 2
    heat: Literal["top", "both"] = "both"


class Bakery(RunModel):
    name: str
    checkpoint: str = "builtin"
    oven: Oven = Oven()
    spare_ovens: tuple[Oven, ...] = ()


@pytest.fixture
def run_file(tmp_path):
    path = tmp_path / "bakery.toml"
    path.write_text('name = "corner"\n[oven]\nnum_trays = 3\n')
    return path


def refusal(tmp_path, text: str, **overrides: object) -> str:
    path = tmp_path / "broken.toml"
    path.write_text(text)
    with pytest.raises(ConfigError) as refused:
        load_run_file(path, Bakery, overrides)
    return str(refused.value)


def test_a_run_file_becomes_a_frozen_model(run_file):
    bakery = load_run_file(run_file, Bakery)
    assert bakery == Bakery(name="corner", oven=Oven(num_trays=3))
    with pytest.raises(ValidationError):
        bakery.name = "other"


def test_without_a_file_the_defaults_and_the_overrides_count():
    assert load_run_file(None, Bakery, {"name": "none"}).oven.num_trays == 2


def test_an_override_takes_the_place_of_the_files_value_and_leaves_its_neighbours(run_file):
    bakery = load_run_file(run_file, Bakery, {"oven.heat": "top", "checkpoint": "other"})
    assert bakery.oven == Oven(num_trays=3, heat="top")
    assert bakery.checkpoint == "other"


def test_an_override_that_is_none_is_not_given(run_file):
    assert load_run_file(run_file, Bakery, {"name": None}).name == "corner"


def test_an_override_can_make_a_table_that_the_file_does_not_have(tmp_path):
    (tmp_path / "short.toml").write_text('name = "x"')
    assert load_run_file(tmp_path / "short.toml", Bakery, {"oven.num_trays": 9}).oven.num_trays == 9


def test_an_unknown_key_is_refused_with_the_one_that_was_meant(tmp_path):
    assert "unknown key 'checkpont'; did you mean 'checkpoint'?" in refusal(
        tmp_path, 'name = "x"\ncheckpont = "y"'
    )


def test_an_unknown_key_of_a_nested_table_is_compared_with_the_keys_of_that_table(tmp_path):
    text = 'name = "x"\n[oven]\nnum_tray = 1'
    assert "unknown key 'oven.num_tray'; did you mean 'num_trays'?" in refusal(tmp_path, text)


def test_an_unknown_key_in_a_list_of_tables_is_named_too(tmp_path):
    text = 'name = "x"\n[[spare_ovens]]\nheats = "top"'
    assert "unknown key 'spare_ovens.heats'; did you mean 'heat'?" in refusal(tmp_path, text)


def test_an_unknown_key_like_no_other_names_those_that_are_known(tmp_path):
    text = 'name = "x"\nzzz = 1'
    assert "unknown key 'zzz'; expected one of checkpoint, name, oven, spare_ovens" in refusal(tmp_path, text)


def test_a_wrong_value_is_named_with_its_key_and_what_was_found(tmp_path):
    message = refusal(tmp_path, 'name = "x"\n[oven]\nheat = "bottom"')
    assert "broken.toml: oven.heat: Input should be 'top' or 'both', found 'bottom'" in message


def test_every_mistake_is_told_at_once(tmp_path):
    assert len(refusal(tmp_path, "oen = 1\ncheckpoint = 2").splitlines()) == 3


def test_a_file_that_is_not_there_is_told_with_where_the_shipped_ones_are(tmp_path):
    with pytest.raises(ConfigError, match=r"nowhere.toml: there is no such run file; .* jobs/runs/"):
        load_run_file(tmp_path / "nowhere.toml", Bakery)


def test_a_folder_is_no_run_file(tmp_path):
    with pytest.raises(ConfigError, match="the run file cannot be read: Is a directory"):
        load_run_file(tmp_path, Bakery)


@pytest.mark.parametrize("body", [b"name = ", b"\xff\xfe"], ids=["cut off", "not UTF-8"])
def test_a_file_that_is_not_toml_is_told(tmp_path, body):
    (tmp_path / "odd.toml").write_bytes(body)
    with pytest.raises(ConfigError, match=r"odd\.toml: not valid TOML"):
        load_run_file(tmp_path / "odd.toml", Bakery)


def test_a_value_where_a_table_belongs_is_told_even_when_a_key_of_that_table_is_overridden(tmp_path):
    message = refusal(tmp_path, 'name = "x"\noven = 3', **{"oven.heat": "top"})
    assert "oven: found 3, expected a table, [oven]" in message


@pytest.mark.parametrize(
    "text",
    [
        'name = "AKIAABCDEFGHIJKLMNOP"',
        'name = "s3://user:hunter2@bucket/reviews"',
        'name = "s3://user:hun/ter2+x@bucket/reviews"',
        'name = "s3://:hunter2@bucket"',
        'name = "s3://bucket/reviews?secret_key=hunter2"',
        'name = "https://host/x?X-Amz-Signature=hunter2"',
        'name = "x"\nsecret_access_key = "hunter2"',
        'name = "x"\n[oven]\npassword = "hunter2"',
        'name = "x"\nhf_token = "hunter2"',
        'name = "x"\nspare_ovens = [{api_key = "hunter2"}]',
    ],
)
def test_a_secret_is_refused_and_not_shown(tmp_path, text):
    message = refusal(tmp_path, text)
    assert "credentials are read from the environment only" in message
    assert "hunter2" not in message
    assert "AKIA" not in message


def test_a_secret_on_the_command_line_is_refused_too(run_file):
    with pytest.raises(ConfigError, match="checkpoint holds a user and password"):
        load_run_file(run_file, Bakery, {"checkpoint": "s3://a:b@c/d"})


@pytest.mark.parametrize(
    "innocent",
    ["s3://bucket/a:b@c", "http://head:8265/api@1", "tokens_per_batch", "s3://bucket/token/x", "a@b.example"],
)
def test_what_only_looks_a_little_like_a_secret_is_let_through(innocent):
    refuse_secrets({"name": innocent, "max_tokens": "256", "tokens_per_batch": "1"}, where="here")
