"""Results: what would be computed, as the ingredients that a result_key is the digest of."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import pyarrow as pa

from reviewmine.contract.annotations import CONTRACT_VERSION
from reviewmine.contract.reviews import ReviewColumns
from reviewmine.model.summarizer import SUMMARY_VERSION
from reviewmine.partition import PartitionBy
from reviewmine.store.record import digest
from reviewmine.text.clean import CLEAN_VERSION

CARRIED_COLUMNS: Final = "carried columns"
"""The ingredient that says which columns beside the contract's a part has: with it the schema of a table changes."""


@dataclass(frozen=True)
class Result:
    """The ingredients by name. Two runs with the same key would write the same annotations for the same row."""

    ingredients: dict[str, str]

    @property
    def key(self) -> str:
        return digest(*(part for name in sorted(self.ingredients) for part in (name, self.ingredients[name])))

    def changed_since(self, ingredients: dict[str, str]) -> tuple[str, ...]:
        """The names of the ingredients that differ from those of a generation."""
        names = sorted({*self.ingredients, *ingredients})
        return tuple(name for name in names if self.ingredients.get(name) != ingredients.get(name))


def result_of(
    *,
    checkpoint_digest: str,
    columns: ReviewColumns,
    carried: Sequence[pa.Field],
    partition_by: PartitionBy | None,
    annotate_unsupported: bool,
) -> Result:
    """The result of a checkpoint under the output options of a run."""
    return Result(
        {
            "contract version": str(CONTRACT_VERSION),
            "clean version": str(CLEAN_VERSION),
            "summary version": str(SUMMARY_VERSION),
            "checkpoint": checkpoint_digest,
            "column mapping": columns.model_dump_json(),
            CARRIED_COLUMNS: ", ".join(f"{field.name} {field.type}" for field in carried),
            "partition by": partition_by or "",
            "unsupported languages": "annotated" if annotate_unsupported else "left out",
        }
    )
