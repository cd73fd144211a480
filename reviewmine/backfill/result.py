"""Results: what would be computed, as the ingredients that a result_key is the digest of.

Some ingredients decide only what stands around the columns that a model makes: where these alone differ, the rows
that an earlier result computed are still right and are written anew without the model.
"""

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

_AROUND_THE_ROW: Final = frozenset({"contract version", "column mapping", CARRIED_COLUMNS, "partition by"})
"""Any other ingredient, one that only another release knows among them, decides what a model makes of a review.

A review is known by the hash of its title and body as read and by its language, so it does not matter which columns
these were read from. A contract version that changes what a model's columns mean raises the clean or summary version.
"""


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

    def keeps_rows_of(self, ingredients: dict[str, str]) -> bool:
        """Whether rows computed under these ingredients need not be annotated again."""
        return _AROUND_THE_ROW.issuperset(self.changed_since(ingredients))

    def reasons_since(self, ingredients: dict[str, str]) -> list[str]:
        """Why a generation of these ingredients is stale, and whether each change costs a full pass of the model."""
        return [
            f"{name} changed ({'no new model work' if name in _AROUND_THE_ROW else 'full pass'})"
            for name in self.changed_since(ingredients)
        ]


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
