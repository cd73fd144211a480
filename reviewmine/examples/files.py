"""The files of a labelled set, on a local disk or in object storage: found, and read whole as they are."""

from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.csv
import pyarrow.json
import pyarrow.parquet as pq

from reviewmine.errors import TrainingError
from reviewmine.store.filesystem import Location
from reviewmine.store.opening import open_store
from reviewmine.text.mask import mask

SUFFIXES: Final = (".parquet", ".csv", ".jsonl", ".json")


def example_files(place: str | Path) -> list[str]:
    """The files at a local path or `s3://` URI, in order: the one that is there, or those below a folder.

    In a folder, names that begin with `_` or `.`, and files of other kinds, are passed over. Raises TrainingError if
    there is none.
    """
    location = Location.parse(place)
    if open_store(location.parent).stat(location.name) is not None:
        return [location.uri]
    names = [listed.name for listed in open_store(location).list("")]
    kept = [
        name
        for name in sorted(names)
        if name.endswith(SUFFIXES) and not any(part[0] in "_." for part in name.split("/"))
    ]
    if not kept:
        raise TrainingError(
            f"{location.uri}: there are no examples; expected a {', '.join(SUFFIXES)} file or a folder of them"
        )
    return [f"{location.uri}/{name}" for name in kept]


def read_file(file: str) -> pa.Table:
    """Every row of a Parquet, CSV or JSON lines file; what has another suffix is taken for Parquet.

    Raises TrainingError for a broken file: with what the reader says, which quotes the row, personal data masked.
    """
    location = Location.parse(file)
    try:
        with open_store(location.parent).open(location.name) as stream:
            return _rows(stream, Path(location.name).suffix)
    except FileNotFoundError:
        raise TrainingError(
            f"{file}: is not there any more; the files of a set stay while it is read"
        ) from None
    except pa.ArrowInvalid as broken:
        raise TrainingError(f"{file}: cannot be read: {mask(str(broken))}") from None


def _rows(stream: Any, suffix: str) -> pa.Table:
    if suffix == ".csv":
        return pyarrow.csv.read_csv(
            stream,
            parse_options=pyarrow.csv.ParseOptions(newlines_in_values=True),
            convert_options=pyarrow.csv.ConvertOptions(strings_can_be_null=True, null_values=[""]),
        )
    if suffix in (".jsonl", ".json"):
        return pyarrow.json.read_json(stream)
    return pq.read_table(stream)
