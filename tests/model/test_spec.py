import json
from pathlib import Path

import pytest

from reviewmine.errors import CheckpointError
from reviewmine.model.spec import BackboneSpec, Spec, read_spec, write_spec
from reviewmine.model.tuning_spec import LowRankAdapter


def a_spec() -> Spec:
    return Spec(
        name="a",
        backbone=BackboneSpec(name="builtin:minilm-l6", sha256="0" * 64),
        adapter=LowRankAdapter(),
        max_tokens=64,
        clean_version=1,
        languages=("en",),
    )


def test_a_spec_is_read_as_it_was_written(tmp_path: Path) -> None:
    write_spec(a_spec(), tmp_path)
    assert read_spec(tmp_path) == a_spec()


def test_a_directory_without_a_spec_is_no_checkpoint(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match=r"no spec\.json"):
        read_spec(tmp_path)


def altered(tmp_path: Path, **values: object) -> Path:
    write_spec(a_spec(), tmp_path)
    written = json.loads((tmp_path / "spec.json").read_text())
    (tmp_path / "spec.json").write_text(json.dumps(written | values))
    return tmp_path


def test_a_format_of_another_edition_is_refused_by_its_number(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="spec format 1, but this edition reads format 2"):
        read_spec(altered(tmp_path, format=1, something_old=True))


@pytest.mark.parametrize(
    ("values", "named"),
    [
        ({"pooling": "max"}, "pooling"),
        ({"surprise": 1}, "surprise"),
        ({"max_tokens": 0}, "max_tokens"),
        ({"heads": {"polarity": {"kind": "classification", "labels": ["good", "bad"]}}}, "in that order"),
        ({"heads": {"mood": {"kind": "guess"}}}, "heads.mood"),
    ],
)
def test_a_spec_with_a_wrong_value_names_it(values: dict[str, object], named: str, tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match=named):
        read_spec(altered(tmp_path, **values))


def test_a_spec_that_is_not_json_is_refused(tmp_path: Path) -> None:
    (tmp_path / "spec.json").write_text("{")
    with pytest.raises(CheckpointError, match="JSON"):
        read_spec(tmp_path)


def test_weights_are_named_by_digest_or_lie_inside_and_never_both_adapted_and_inside() -> None:
    values = a_spec().model_dump()
    with pytest.raises(ValueError, match="needs its sha256"):
        Spec.model_validate(values | {"backbone": {"name": "x"}})
    with pytest.raises(ValueError, match="merge it before"):
        Spec.model_validate(values | {"backbone": {"name": "x", "inside": True}})


def test_cuts_that_do_not_rise_are_refused() -> None:
    with pytest.raises(ValueError, match="must rise"):
        Spec.model_validate(a_spec().model_dump() | {"intensity_cuts": (0.5, 0.4, 0.9)})
