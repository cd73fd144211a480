"""What a person or a scheduler gets from the command line when something is wrong: one message and the right code."""

import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from tiny import make_reviews
from tiny_checkpoint import make_checkpoint

from reviewmine.cli import main
from reviewmine.model.head_specs import ClassificationSpec


def run(*arguments: str) -> int:
    with pytest.raises(SystemExit) as ended:
        main(list(arguments))
    return int(ended.value.code or 0)


def test_an_unknown_key_of_a_run_file_is_an_error_with_a_suggestion(tmp_path: Path, capsys):
    file = tmp_path / "annotate.toml"
    file.write_text('checkpont = "builtin"\n')
    assert run("annotate", "a", "t", "--run", str(file)) == 2
    assert "unknown key 'checkpont'; did you mean 'checkpoint'?" in capsys.readouterr().err


def test_an_unknown_option_is_wrong_usage(capsys):
    assert run("annotate", "a", "t", "--partitons", "x") == 2
    assert "No such option" in capsys.readouterr().err


def test_a_secret_in_a_uri_is_refused_without_showing_it(capsys):
    assert run("annotate", "s3://user:hunter2@bucket/reviews", "t") == 2
    said = capsys.readouterr()
    assert "credentials are read from the environment only" in said.err
    assert "hunter2" not in said.err + said.out


def test_a_missing_archive_argument_names_the_key(capsys):
    assert run("annotate", "--checkpoint", "builtin") == 2
    assert "archive" in capsys.readouterr().err


def test_a_range_whose_ends_are_the_wrong_way_round_is_refused(tmp_path: Path, capsys):
    assert run("annotate", str(tmp_path), str(tmp_path / "t"), "--partitions", "2024..2019") == 2
    assert "lies after" in capsys.readouterr().err


def test_a_scheme_that_is_not_known_is_refused(capsys):
    assert run("annotate", "gs://bucket/reviews", "t") == 2
    assert "expected a local path or s3://bucket/prefix" in capsys.readouterr().err


def test_an_error_of_a_json_run_is_json_on_the_last_line(tmp_path: Path, capsys):
    assert run("annotate", str(tmp_path / "nowhere"), str(tmp_path / "t"), "--json") == 1
    said = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert (said["kind"], said["exit_code"]) == ("ArchiveError", 1)
    assert "nowhere: found no Parquet files" in said["error"]


def test_one_commit_for_a_whole_run_is_for_iceberg_tables_alone(capsys):
    assert run("annotate", "a", "t", "--atomic-run") == 2
    assert "--atomic-run: a table of format hive has one commit per partition" in capsys.readouterr().err


def test_a_format_that_is_not_known_is_refused_with_those_that_are(capsys):
    assert run("annotate", "a", "t", "--format", "delta") == 2
    assert "'hive' or 'iceberg'" in capsys.readouterr().err


def test_a_table_inside_its_archive_is_refused(tmp_path: Path, capsys):
    assert run("annotate", str(tmp_path), str(tmp_path / "t")) == 2
    assert "lie within each other" in capsys.readouterr().err


def test_submitting_a_job_that_is_not_there_names_those_that_are(capsys):
    checkout = Path(__file__).resolve().parents[1]
    code = run(
        "submit", "anotate", "--address", "http://127.0.0.1:1", "--working-dir", str(checkout), "a", "t"
    )
    assert code == 2
    assert "found annotate, backfill, train, tune" in capsys.readouterr().err


def test_a_pickled_checkpoint_is_refused(tmp_path: Path, capsys):
    (tmp_path / "checkpoint").mkdir()
    (tmp_path / "checkpoint" / "pytorch_model.bin").write_bytes(b"no")
    assert run("annotate", "a", str(tmp_path / "t"), "--checkpoint", str(tmp_path / "checkpoint")) == 1
    assert "pytorch_model.bin" in capsys.readouterr().err


def test_a_search_that_does_not_fit_its_run_file_is_refused_before_anything_starts(tmp_path: Path, capsys):
    runs = Path(__file__).resolve().parents[1] / "jobs" / "runs"
    (tmp_path / "search.toml").write_text(
        'metric = "polarity_macro_f1"\ntrials = 2\n[space]\ntuning.rnk = [4, 8]\n'
    )
    command = ["tune", "--run", str(runs / "builtin.toml"), "--search", str(tmp_path / "search.toml")]
    assert run(*command, "--storage", str(tmp_path / "runs")) == 2
    assert "search.toml: space: unknown key 'tuning.rnk'; did you mean 'rank'?" in capsys.readouterr().err
    assert not (tmp_path / "runs").exists()


def test_the_place_of_the_best_run_file_is_seen_to_before_anything_starts(tmp_path: Path, capsys):
    runs = Path(__file__).resolve().parents[1] / "jobs" / "runs"
    (tmp_path / "search.toml").write_text('metric = "polarity_f"\ntrials = 2\n[space]\nseed = [4, 8]\n')
    command = ["tune", "--run", str(runs / "builtin.toml"), "--search", str(tmp_path / "search.toml")]
    command += ["--storage", str(tmp_path / "runs"), "--best"]
    assert run(*command, str(tmp_path)) == 2
    assert "a folder; expected a file for the best run file" in capsys.readouterr().err
    assert run(*command, str(tmp_path / "new" / "folder" / "best.toml")) == 2
    assert "polarity_f" in capsys.readouterr().err
    assert (tmp_path / "new" / "folder").is_dir()


def test_views_are_printed_for_duckdb_to_run(capsys):
    assert run("views", "opinions/") == 0
    assert "CREATE OR REPLACE VIEW polarity_by_day" in capsys.readouterr().out


@pytest.fixture
def evaluation(tmp_path: Path) -> list[str]:
    """A command that evaluates a tiny checkpoint on 60 English reviews and 20 German ones."""
    reviews = make_reviews(80).rename_columns(["title", "body", "rating", "language"])
    reviews = reviews.set_column(3, "language", pa.array(["en"] * 60 + ["de"] * 20))
    reviews = reviews.append_column("shop", pa.array(["old", "new"] * 40))
    pq.write_table(reviews, tmp_path / "reviews.parquet")
    checkpoint = make_checkpoint(tmp_path)
    return ["evaluate", "--examples", str(tmp_path / "reviews.parquet"), "--checkpoint", str(checkpoint)]


def test_an_evaluation_of_one_language_is_added_to_the_model_card(evaluation: list[str], capsys):
    assert run(*evaluation, "--language", "en", "--record", "made_reviews") == 0
    assert json.loads(capsys.readouterr().out)["rows"] == 60
    assert "| made reviews | 60 |" in (Path(evaluation[-1]) / "MODEL_CARD.md").read_text()


def test_an_evaluation_writes_metrics_and_a_page_and_holds_a_gate_both_ways(
    evaluation: list[str], tmp_path: Path, capsys
):
    gate = tmp_path / "gate.toml"
    gate.write_text("[minimum]\npolarity.accuracy = 0.0\n[max_loss]\npolarity.macro_f1 = 0.0\n")
    more = [
        "--slice-by",
        "shop",
        "--out",
        str(tmp_path / "out"),
        "--gate",
        str(gate),
        "--robustness-rows",
        "9",
    ]
    assert run(*evaluation, *more, "--against", evaluation[-1]) == 0
    printed = json.loads(capsys.readouterr().out)
    assert printed == json.loads((tmp_path / "out" / "metrics.json").read_text())
    assert set(printed["slices"]["shop"]) == {"old", "new"}
    assert "It passes its gate" in (tmp_path / "out" / "evaluation.html").read_text()
    gate.write_text("[minimum]\npolarity.accuracy = 1.0\nintensity.spearman = -1.0\n")
    assert run(*evaluation, *more) == 1
    said = capsys.readouterr().err
    assert "gate: 1 of 2 bounds are not met\n  polarity.accuracy: found 0." in said
    assert "expected at least 1" in said
    assert "It does not pass its gate" in (tmp_path / "out" / "evaluation.html").read_text()


def test_a_gate_that_needs_another_checkpoint_is_refused_before_anything_is_read(
    evaluation: list[str], tmp_path: Path, capsys
):
    (tmp_path / "gate.toml").write_text("[max_loss]\npolarity.macro_f1 = 0.0\n")
    assert run(*evaluation, "--gate", str(tmp_path / "gate.toml"), "--examples", "nowhere.parquet") == 2
    assert "give --against" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["body", "length", "polarity"])
def test_a_column_to_slice_by_that_means_something_else_is_wrong_usage(
    evaluation: list[str], name: str, capsys
):
    assert run(*evaluation, "--slice-by", name) == 2
    assert f"--slice-by {name}: found a name that is taken" in capsys.readouterr().err


def test_an_evaluation_takes_its_columns_from_a_set_of_a_run_file_or_one_by_one(tmp_path: Path, capsys):
    heads = {"mood": ClassificationSpec(labels=("glad", "sad"))}
    command = ["evaluate", "--examples", str(tmp_path / "moods.parquet"), "--robustness-rows", "0"]
    command += ["--checkpoint", str(make_checkpoint(tmp_path, heads=heads))]
    moods = pa.table({"text": ["It is great."] * 4, "feeling": [":)"] * 3 + [":("], "mood": ["glad"] * 4})
    pq.write_table(moods, tmp_path / "moods.parquet")
    run_file = tmp_path / "run.toml"
    run_file.write_text(
        'name = "moods"\n[heads.mood]\nkind = "classification"\nlabels = ["glad", "sad"]\n[[examples.sets]]\n'
        'name = "own"\npath = "p"\nlicence = "l"\ncolumns = { body = "text" }\n'
        'labels = { mood = { column = "feeling", values = { ":)" = "glad", ":(" = "sad" } } }\n'
    )
    assert run(*command, "--run", str(run_file), "--set", "own") == 0
    assert json.loads(capsys.readouterr().out)["mood"]["classes"]["sad"]["rows"] == 1
    assert run(*command, "--label", "mood=mood", "--body", "text") == 0
    assert json.loads(capsys.readouterr().out)["mood"]["classes"]["sad"]["rows"] == 0
    for more, message in (
        (["--run", str(run_file), "--set", "on"], "has no such set; did you mean 'own'?"),
        (["--run", str(run_file)], "found one of them, expected both"),
        (["--label", "mood"], "--label mood: expected HEAD=COLUMN"),
        ([], "give --label HEAD=COLUMN"),
    ):
        assert run(*command, *more) == 2
        assert message in capsys.readouterr().err


def test_an_evaluation_into_a_file_is_wrong_usage(evaluation: list[str], capsys):
    assert run(*evaluation, "--out", "metrics.json") == 2
    assert "expected a folder" in capsys.readouterr().err


def test_a_checkpoint_that_does_not_say_what_it_held_out_is_not_judged_by_it(evaluation: list[str], capsys):
    assert run(*evaluation, "--held-out") == 1
    assert "does not say which share of examples it held out" in capsys.readouterr().err


def test_the_message_of_a_bug_is_masked_before_its_traceback_is_printed(monkeypatch):
    def broken(*_: object, **__: object) -> None:
        raise ValueError("no number: 'write to anna@example.org'")

    monkeypatch.setattr("reviewmine.cli.app", broken)
    with pytest.raises(ValueError, match=r"^no number: 'write to \[mail\]'$"):
        main(["annotate"])


def test_nothing_is_recorded_into_a_checkpoint_that_was_only_fetched(
    capsys: pytest.CaptureFixture[str],
) -> None:
    code = run(
        "evaluate", "--examples", "x.parquet", "--checkpoint", "s3://bucket/c/00ff", "--record", "mine"
    )
    assert code == 2
    assert "pull it, record into the copy" in capsys.readouterr().err
