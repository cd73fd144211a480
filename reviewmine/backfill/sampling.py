"""Sampling: rows spread evenly over what is to be annotated, and the tokens that a byte of a body makes there.

The bytes of all bodies are known from the footers, but as they are stored: with lengths, and equal ones perhaps once.
So two ratios are measured: tokens to bytes of the sampled rows, and those read to those stored of their fragments.
"""

import random
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from reviewmine.backfill.interval import Interval
from reviewmine.backfill.work import FragmentReader, Job, Task
from reviewmine.contract.columns import plain
from reviewmine.contract.reviews import check_schema
from reviewmine.contract.texts import raw_bytes
from reviewmine.errors import ArchiveError, ContractError, ReviewmineError
from reviewmine.store.fragment import Fragment
from reviewmine.store.parallel import in_parallel

SAMPLE_ROWS: Final = 600
_ROWS_OF_A_BLOCK: Final = 15
_NUM_THREADS: Final = 4  # each may hold a fragment
_LEAST_SHARE: Final = (
    0.03  # what a sample cannot know of, such as months in another language, is not below this
)

CountTokens = Callable[[pa.Table], NDArray[np.int64]]
"""The tokens of each of some conformed reviews [rows], as the network would read them."""


@dataclass(frozen=True, kw_only=True)
class TokenRate:
    """Tokens for each byte of body that the footers tell of, and the rows that say so."""

    per_byte: Interval
    per_row: float
    body_bytes_per_row: float
    num_rows: int
    num_blocks: int


def blocks(
    fragments: Sequence[Fragment], *, num_rows: int, rows_of_a_block: int = _ROWS_OF_A_BLOCK, seed: int = 0
) -> list[Task]:
    """Probes of `rows_of_a_block` neighbouring rows each, `num_rows` in all or as many as there are.

    They begin at even distances over all rows, from a start by chance: large fragments have several, and each row is
    as likely to be in one as any other.
    """
    ends = list(accumulate(fragment.num_rows for fragment in fragments))
    total_rows = ends[-1] if ends else 0
    if total_rows <= num_rows:
        return [probe for fragment in fragments for probe in _all_of(fragment, rows_of_a_block)]
    num_blocks = max(1, -(-num_rows // rows_of_a_block))
    while True:
        distance = total_rows / num_blocks
        start = random.Random(seed).uniform(0, distance)
        points = (min(int(start + distance * number), total_rows - 1) for number in range(num_blocks))
        probes = list(dict.fromkeys(_probe(fragments, ends, point, rows_of_a_block) for point in points))
        found = sum(last - first for first, last in (probe.span for probe in probes))
        if found >= 0.9 * num_rows or num_blocks >= total_rows:
            return probes
        num_blocks = min(2 * num_blocks, total_rows)


def _all_of(fragment: Fragment, num_rows: int) -> list[Task]:
    firsts = range(fragment.first_row, fragment.end_row, num_rows)
    return [
        Task(fragment=fragment, probe=(first, min(first + num_rows, fragment.end_row))) for first in firsts
    ]


def _probe(fragments: Sequence[Fragment], ends: Sequence[int], point: int, num_rows: int) -> Task:
    number = bisect_right(ends, point)
    fragment = fragments[number]
    inside = point - (ends[number] - fragment.num_rows)
    first = fragment.first_row + max(0, min(inside, fragment.num_rows - num_rows))
    return Task(fragment=fragment, probe=(first, min(first + num_rows, fragment.end_row)))


def measure_tokens(
    job: Job,
    probes: Sequence[Task],
    count_tokens: CountTokens,
    stored_bytes_per_row: Callable[[Fragment], float],
) -> TokenRate:
    """Read the probes and tokenise their rows; those that cannot be read are passed over.

    Raises ArchiveError or ContractError where none can be read.
    """
    of_fragments: dict[Fragment, list[Task]] = defaultdict(list)
    for probe in probes:
        of_fragments[probe.fragment].append(probe)
    looks = in_parallel(
        lambda tasks: _look(job, tasks), list(of_fragments.values()), num_threads=_NUM_THREADS
    )
    found = [look for look in looks if isinstance(look, _Look)]
    if not found:
        raise next(look for look in looks if isinstance(look, ReviewmineError))
    blocks_found = [(look, block) for look in found for block in look.blocks]
    tokens = count_tokens(pa.concat_tables(block for _, block in blocks_found))
    bounds = np.cumsum([0, *(block.num_rows for _, block in blocks_found)])
    figures = np.array(
        [
            [tokens[first:end].mean() for first, end in pairwise(bounds)],
            [_mean_bytes(block["body"]) for _, block in blocks_found],
            [look.body_per_row for look, _ in blocks_found],
            [stored_bytes_per_row(look.fragment) for look, _ in blocks_found],
        ]
    )
    return TokenRate(
        per_byte=_ratio(figures * np.diff(bounds)),
        per_row=float(figures[0].mean()),
        body_bytes_per_row=float(figures[1].mean()),
        num_rows=len(tokens),
        num_blocks=len(blocks_found),
    )


@dataclass(frozen=True)
class _Look:
    """The sampled rows of one fragment, and the bytes of body that a row of it has as it is read."""

    fragment: Fragment
    blocks: list[pa.Table]
    body_per_row: float


def _look(job: Job, probes: Sequence[Task]) -> _Look | ReviewmineError:
    fragment = probes[0].fragment
    where = f"{job.archive.location.uri}/{fragment.path}"

    def body_column(schema: pa.Schema) -> list[str]:
        return [check_schema(schema, job.columns, where=where)["body"]]

    try:
        bodies = job.archive.read(fragment, body_column).column(0)
        read = FragmentReader(job)
        return _Look(fragment, [read(probe) for probe in probes], _mean_bytes(bodies))
    except (ArchiveError, ContractError) as unreadable:
        return unreadable


def _ratio(figures: NDArray[np.float64]) -> Interval:
    """Tokens to stored bytes, of K blocks [tokens, body, body of the fragment, stored; K], with 95% by jackknife."""
    sums = figures.sum(axis=1)
    if not sums.all():
        return Interval(0.0, 0.0, 0.0)
    found = sums[0] / sums[1] * sums[2] / sums[3]
    num_blocks = figures.shape[1]
    if num_blocks < 2:
        return Interval.around(float(found), 0.25)
    without = sums[:, None] - figures
    with np.errstate(divide="ignore", invalid="ignore"):
        ratios = without[0] / without[1] * without[2] / without[3]
    ratios = np.where(np.isfinite(ratios), ratios, found)
    spread = np.sqrt((num_blocks - 1) / num_blocks * np.sum((ratios - ratios.mean()) ** 2))
    return Interval.around(float(found), max(2 * float(spread / found), _LEAST_SHARE))


def _mean_bytes(bodies: pa.ChunkedArray) -> float:
    lengths = pc.binary_length(raw_bytes(plain(bodies)))
    return (pc.sum(lengths).as_py() or 0) / max(1, len(lengths))
