"""One labelled set: where it is and what it holds, read, filtered, and its short reviews joined into longer ones."""

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.json
import pyarrow.parquet as pq
from pydantic import Field, model_validator

from reviewmine.config import RunModel
from reviewmine.contract.examples import ExampleColumns, conform
from reviewmine.errors import TrainingError
from reviewmine.text.mask import mask

JOINED_AT_LEAST: Final = 8
_NOT_WORDS: Final = re.compile(r"[\W_]+")
_SENTENCE_ENDS: Final = frozenset(".!?")


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
    join_words: int | None = Field(default=None, ge=1)
    """Join reviews of equal stars that follow each other into longer ones, half of them of up to so many words."""
    natural: bool = False
    """Whether the class shares of the set are those of an archive; the class prior is corrected towards them."""

    @model_validator(mode="after")
    def _joining_changes_shares(self) -> "ExampleSet":
        if self.natural and self.join_words is not None:
            raise ValueError(
                "a set whose reviews are joined has no natural class shares: drop one of the two"
            )
        return self


def read_set(one: ExampleSet, root: Path, *, seed: int = 0) -> pa.Table:
    """The rows of one set that its languages and lengths let through, with the set's name in column `set`."""
    path = root / one.path
    if not path.exists():
        raise TrainingError(f"examples.sets: {one.name}: {path} is not there; give --examples-root")
    table = read_examples(path, one.columns)
    if one.languages:
        table = table.filter(pc.is_in(table["language"], pa.array(one.languages)))
    words = pc.list_value_length(pc.utf8_split_whitespace(pc.utf8_trim_whitespace(table["body"])))
    keep = pc.greater_equal(words, one.min_words)
    if one.max_words is not None:
        keep = pc.and_(keep, pc.less_equal(words, one.max_words))
    table = table.filter(keep)
    if one.join_words is not None:
        table = joined(table, one.join_words, np.random.default_rng(seed))
    return table.append_column("set", pa.array([one.name] * table.num_rows, pa.string()))


def read_examples(path: Path, columns: ExampleColumns) -> pa.Table:
    """Every row of a Parquet, CSV or JSON lines file as EXAMPLES_SCHEMA. Raises ContractError or TrainingError."""
    if not path.exists():
        raise TrainingError(f"{path}: there are no examples; expected a .parquet, .csv or .jsonl file")
    return conform(_read(path), columns, where=str(path))


def joined(table: pa.Table, max_words: int, rng: np.random.Generator) -> pa.Table:
    """`table` with reviews of equal stars joined, in the order they stand in, until they have a drawn number of words.

    Half of the draws ask for JOINED_AT_LEAST words, the others for a number from there to `max_words`. A set of
    short reviews then teaches long ones too; a text is used once, and what is left at the end is dropped.
    """
    gathering: dict[float, _Joining] = {}
    done: list[_Joining] = []
    used: set[str] = set()
    for row, (body, stars) in enumerate(
        zip(table["body"].to_pylist(), table["rating"].to_pylist(), strict=True)
    ):
        key = normalised(body)
        if stars is None or key in used:
            continue
        used.add(key)
        if stars not in gathering:
            longer = rng.random() < 0.5 and max_words > JOINED_AT_LEAST
            wanted = int(rng.integers(JOINED_AT_LEAST, max_words)) if longer else JOINED_AT_LEAST
            gathering[stars] = _Joining(row, wanted)
        one = gathering[stars]
        one.sentences.append(body if body.rstrip()[-1:] in _SENTENCE_ENDS else f"{body.rstrip()}.")
        one.num_words += len(body.split())
        if one.num_words >= one.wanted_words:
            done.append(gathering.pop(stars))
    rows = table.take(pa.array([one.row for one in done], pa.int64()))
    bodies = pa.array([" ".join(one.sentences) for one in done], pa.string())
    return rows.set_column(rows.schema.get_field_index("body"), "body", bodies)


@dataclass
class _Joining:
    """A joined review in the making; its other columns are those of its first row."""

    row: int
    wanted_words: int
    sentences: list[str] = field(default_factory=list)
    num_words: int = 0


def only_language(examples: pa.Table, language: str) -> pa.Table:
    """The rows of EXAMPLES_SCHEMA in one language."""
    return examples.filter(pc.fill_null(pc.equal(examples["language"], language), False))


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
