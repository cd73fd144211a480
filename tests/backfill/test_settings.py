"""Settings of an annotate run: the shipped file is valid, and what cannot work is refused at birth."""

from datetime import timedelta
from pathlib import Path

import pytest

from reviewmine.backfill.selection import Selection
from reviewmine.backfill.settings import AnnotateSettings, PoolSettings
from reviewmine.config import load_run_file
from reviewmine.errors import ConfigError

SHIPPED = Path(__file__).resolve().parents[2] / "jobs" / "runs" / "annotate.toml"
PLACES = {"archive": "reviews", "table": "annotations"}


def test_the_shipped_run_file_says_what_the_defaults_say():
    assert load_run_file(SHIPPED, AnnotateSettings, PLACES) == AnnotateSettings(**PLACES)


def test_an_archive_and_a_table_must_be_given():
    with pytest.raises(ConfigError, match=r"archive: Field required[\s\S]*table: Field required"):
        load_run_file(SHIPPED, AnnotateSettings)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("partition_by", "year"),
        ("max_rejects", -1),
        ("pool.num_actors", 0),
        ("pool.num_cpus_per_actor", 0),
        ("pool.device", "tpu"),
        ("pool.tokens_per_batch", 100),
        ("order", "backwards"),
        ("limit_partitions", 0),
        ("settled_after", "two days"),
        ("settled_after", "2y"),
        ("budget_hours", 0),
        ("plan.tokens_per_s", 0),
        ("plan.price_per_device_hour", -1),
        ("archive", "s3://key:secret@bucket/reviews"),
    ],
)
def test_a_value_that_cannot_work_is_refused_by_its_name(name, value):
    with pytest.raises(ConfigError, match=name.replace(".", r"\.")):
        load_run_file(None, AnnotateSettings, {**PLACES, name: value})


def test_a_pool_takes_what_suits_the_machine_unless_told():
    assert (PoolSettings().num_actors, PoolSettings().device) == (None, "auto")


@pytest.mark.parametrize(
    ("written", "hours"), [("90m", 1.5), ("12h", 12), ("2d", 48), ("1w", 168), (" 2 d", 48)]
)
def test_an_age_is_a_number_and_a_unit(written, hours):
    settings = load_run_file(None, AnnotateSettings, {**PLACES, "settled_after": written})
    assert settings.selection.settled_after == timedelta(hours=hours)


def test_what_a_run_takes_on_is_said_by_the_run_file(tmp_path):
    (tmp_path / "run.toml").write_text(
        'order = "newest"\nlimit_partitions = 3\nprune = true\nbudget_hours = 7.5\n'
    )
    settings = load_run_file(tmp_path / "run.toml", AnnotateSettings, PLACES)
    assert settings.selection == Selection(order="newest", max_partitions=3, prune=True)
    assert settings.budget_hours == 7.5
