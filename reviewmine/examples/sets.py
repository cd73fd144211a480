"""One labelled set: where it is and what it holds, read and filtered."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.json
import pyarrow.parquet as pq
from pydantic import Field

from reviewmine.config import RunModel
from reviewmine.contract.examples import ExampleColumns, conform
from reviewmine.errors import TrainingError
from reviewmine.examples.joining import JOINED_AT_LEAST
from reviewmine.text.mask import mask

_NOT_WORDS: Final = re.compile(r"[\W_]+")


class ExampleSet(RunModel):
    """One labelled set of a run file: where it is (under the examples root), what it holds, how much to take."""

    name: str
    path: str
    licence: str
    citation: str = ""
    columns: ExampleColumns = ExampleColumns()
    languages: tuple[str, ...] = ()
    min_words: int = Field(default=1, ge=1)
    max_words: int | None = Field(default=None, ge=1)
    rows: int | None = Field(default=None, ge=1)
    join_words: int | None = Field(default=None, gt=JOINED_AT_LEAST)
    """Join training reviews of equal stars into longer ones of up to so many words; see joining.joined."""
    natural: bool = False
    """Whether the class shares of the set are those of an archive; the class prior is corrected towards them."""


def read_set(one: ExampleSet, root: Path) -> pa.Table:
    """The rows of one set that its languages and lengths let through, with the set's name in column `set`."""
    path = root / one.path
    if not path.exists():
        raise TrainingError(f"examples.sets: {one.name}: {path} is not there; give --examples-root")
    table = read_examples(path, one.columns)
    if one.languages:
        table = only_languages(table, one.languages)
    words = pc.list_value_length(pc.utf8_split_whitespace(pc.utf8_trim_whitespace(table["body"])))
    keep = pc.greater_equal(words, one.min_words)
    if one.max_words is not None:
        keep = pc.and_(keep, pc.less_equal(words, one.max_words))
    table = table.filter(keep)
    return table.append_column("set", pa.array([one.name] * table.num_rows, pa.string()))


def read_examples(path: Path, columns: ExampleColumns, *, keep: Sequence[str] = ()) -> pa.Table:
    """Every row of a Parquet, CSV or JSON lines file as EXAMPLES_SCHEMA and the columns that `keep` names.

    Raises ContractError or TrainingError.
    """
    if not path.exists():
        raise TrainingError(f"{path}: there are no examples; expected a .parquet, .csv or .jsonl file")
    return conform(_read(path), columns, where=str(path), keep=keep)


def only_languages(examples: pa.Table, languages: Sequence[str]) -> pa.Table:
    """The rows of EXAMPLES_SCHEMA in one of some languages."""
    return examples.filter(pc.is_in(examples["language"], pa.array(languages, pa.string())))


def normalised(text: str) -> str:
    """The words of a text in lower case, one space between: what makes two texts the same."""
    return _NOT_WORDS.sub(" ", text.casefold()).strip()


def _read(path: Path) -> pa.Table:
    """Raises TrainingError for a broken file: with what the reader says, which quotes the row, personal data masked."""
    try:
        if path.suffix == ".csv":
            return pyarrow.csv.read_csv(path)
        if path.suffix in (".jsonl", ".json"):
            return pyarrow.json.read_json(path)
        return pq.read_table(path)
    except pa.ArrowInvalid as broken:
        raise TrainingError(f"{path}: cannot be read: {mask(str(broken))}") from None
