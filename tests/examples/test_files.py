from pathlib import Path

import botocore.session
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from s3_server import serving
from tiny import make_reviews

from reviewmine.contract.examples import ExampleColumns
from reviewmine.errors import TrainingError
from reviewmine.examples.files import example_files, read_file
from reviewmine.examples.sets import ExampleSet, read_set
from reviewmine.store.filesystem import Location
from reviewmine.store.opening import open_store


def test_a_folder_is_read_file_by_file_in_order_and_hidden_names_are_passed_over(tmp_path: Path) -> None:
    for name in ("b.parquet", "a/part.parquet", "_tmp/c.parquet", ".d.parquet"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        pq.write_table(pa.table({"name": [name]}), tmp_path / name)
    (tmp_path / "notes.txt").write_text("nothing")
    files = example_files(tmp_path)
    assert [Path(file).relative_to(tmp_path).as_posix() for file in files] == ["a/part.parquet", "b.parquet"]
    assert [read_file(file)["name"].to_pylist() for file in files] == [["a/part.parquet"], ["b.parquet"]]


@pytest.mark.parametrize(
    ("name", "text"),
    [("rows.csv", "body,stars\nfine,4\n"), ("rows.jsonl", '{"body": "fine", "stars": 4}\n')],
)
def test_csv_and_json_lines_are_read_by_their_suffix(tmp_path: Path, name: str, text: str) -> None:
    (tmp_path / name).write_text(text)
    assert read_file(str(tmp_path / name)).to_pylist() == [{"body": "fine", "stars": 4}]


def test_a_place_without_examples_is_refused(tmp_path: Path) -> None:
    for place in (tmp_path, tmp_path / "absent.csv"):
        with pytest.raises(TrainingError, match="there are no examples; expected"):
            example_files(place)
    with pytest.raises(TrainingError, match="is not there any more"):
        read_file(str(tmp_path / "gone.parquet"))


def test_a_set_on_object_storage_is_read_as_one_on_a_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pq.write_table(make_reviews(30), tmp_path / "reviews.parquet")
    columns = ExampleColumns(body="text", rating="stars")
    local = read_set(ExampleSet(name="own", path="reviews.parquet", licence="own", columns=columns), tmp_path)
    with serving() as address:
        for name, value in {
            "AWS_ENDPOINT_URL": address,
            "AWS_ACCESS_KEY_ID": "key-of-the-tests",
            "AWS_SECRET_ACCESS_KEY": "secret-of-the-tests",
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_EC2_METADATA_DISABLED": "true",
        }.items():
            monkeypatch.setenv(name, value)
        botocore.session.get_session().create_client("s3").create_bucket(Bucket="sets")
        store = open_store(Location.parse("s3://sets/shop"))
        store.put("a/reviews.parquet", (tmp_path / "reviews.parquet").read_bytes())
        one = ExampleSet(name="own", path="s3://sets/shop", licence="own", columns=columns)
        assert example_files("s3://sets/shop") == ["s3://sets/shop/a/reviews.parquet"]
        assert read_set(one, tmp_path).equals(local)


def test_csv_bodies_may_have_line_breaks_wherever_a_block_ends_and_cells_may_be_empty(tmp_path: Path) -> None:
    path = tmp_path / "long.csv"
    body = "one line\nand another, with a comma"
    path.write_text("body,mood\n" + f'"{body}",\n' * 40_000, encoding="utf-8")
    table = read_file(str(path))
    assert table.num_rows == 40_000
    assert set(table["body"].to_pylist()) == {body}
    assert table["mood"].null_count == 40_000
