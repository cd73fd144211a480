from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from reviewmine.demo.make_archive import main, read_reviews

CSV = 'id,review_date,text\n007,2024-01-31,"two\nlines"\n008,2024-02-01,one\n'


@pytest.fixture
def csv(tmp_path: Path) -> Path:
    path = tmp_path / "reviews.csv"
    path.write_text(CSV)
    return path


def test_a_csv_file_becomes_an_archive_with_its_columns_renamed(
    csv: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "archive"
    assert main([str(csv), str(out), "--partition-by", "month", "--columns", "review_id=id,body=text"]) == 0
    assert "2 rows in 2 files" in capsys.readouterr().out
    table = pq.ParquetFile(out / "review_month=2024-01" / "part-00000.parquet").read()
    assert table.select(["review_id", "body"]).to_pylist() == [{"review_id": "007", "body": "two\nlines"}]


def test_identifiers_of_a_csv_file_keep_their_leading_zeros(csv: Path) -> None:
    assert read_reviews(csv)["id"].to_pylist() == ["007", "008"]


def test_a_parquet_file_is_read_with_its_own_types(tmp_path: Path) -> None:
    table = pa.table({"review_id": pa.array([7], pa.int32())})
    path = tmp_path / "dt=2024-01-01" / "reviews.parquet"
    path.parent.mkdir()
    pq.write_table(table, path)
    assert read_reviews(path).equals(table)


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["nowhere.parquet", "out"], 1, "nowhere.parquet: cannot be read"),
        (["broken.parquet", "out"], 1, "broken.parquet: cannot be read"),
        (["reviews.csv", "out", "--columns", "body=txt"], 2, "--columns 'body=txt'"),
        (["reviews.csv", "out", "--date-column", "when"], 2, "date column 'when'"),
        (["reviews.csv", "."], 2, "empty folder"),
    ],
)
def test_what_goes_wrong_is_one_line_and_an_exit_code(
    csv: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    arguments: list[str],
    code: int,
    message: str,
) -> None:
    monkeypatch.chdir(csv.parent)
    Path("broken.parquet").write_bytes(b"PAR1 not really")
    assert main(arguments) == code
    error = capsys.readouterr().err
    assert message in error
    assert error.startswith("make-archive: ")
    assert not Path("out").exists()


def test_no_error_quotes_the_personal_data_of_a_row(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    row = "1,call 415-555-0133 or write to anna@example.org"
    Path("uneven.csv").write_text(f"id,text\n{row},5\n")
    Path("headless.csv").write_text(f"{row}\n{row}\n")
    Path("dateless.csv").write_text(f"id,text\n{row}\n")
    assert main(["uneven.csv", "out"]) == 1
    assert main(["headless.csv", "out"]) == 2
    assert main(["headless.csv", "out", "--columns", "body=txt"]) == 2
    assert main(["headless.csv", "out", "--date-column", "when"]) == 2
    assert main(["dateless.csv", "out", "--date-column", "text"]) == 2
    error = capsys.readouterr().err
    assert error.count("make-archive: ") == 5
    assert "415" not in error
    assert "anna" not in error
