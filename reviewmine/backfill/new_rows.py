"""New rows: how many rows of what is to be written anew a model has to see, for no live generation knows them.

Of a fragment that did not change that is counted. Of a file that did, nobody knows before its reviews are looked up, so
a sample of them is, by the road that a run takes.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from reviewmine.backfill.earlier import EarlierRows
from reviewmine.backfill.interval import Interval
from reviewmine.backfill.work import FragmentReader, Job, Task
from reviewmine.errors import ArchiveError, ContractError
from reviewmine.store.fragment import Fragment
from reviewmine.store.parallel import in_parallel

_NUM_THREADS = 4  # each may hold a fragment


@dataclass(frozen=True)
class NewShare:
    """The share of rows of changed files that no live generation knows, and what says so."""

    share: Interval
    basis: str


UNSEEN = NewShare(
    Interval(0.0, 1.0, 1.0), "nobody looked how much of the files that changed is known already"
)


def measure_new_share(job: Job, probes: Sequence[Task], *, num_rows: int) -> NewShare:
    """Look the reviews of `probes` up in the earlier parts that these name; what cannot be read is passed over.

    Args:
        num_rows: the rows of all changed fragments. Where all of them are looked up, the share is exact.
    """
    of_fragments: dict[Fragment, list[Task]] = defaultdict(list)
    for probe in probes:
        of_fragments[probe.fragment].append(probe)
    looks = in_parallel(
        lambda tasks: _look(job, tasks), list(of_fragments.values()), num_threads=_NUM_THREADS
    )
    counted = np.array([block for look in looks for block in look], np.float64).reshape(-1, 2)
    num_new, num_seen = counted.sum(axis=0)
    if not num_seen:
        return UNSEEN
    share = float(num_new / num_seen)
    off = 0.0
    if num_seen < num_rows:  # 95%; where a sample shows none, three in it may have been missed
        spread = float(np.std(counted[:, 0] / counted[:, 1]) / np.sqrt(max(1, len(counted) - 1)))
        off = 2 * spread + 3 / float(num_seen)
    bounds = Interval(max(0.0, share - off), share, min(1.0, share + off))
    return NewShare(bounds, f"{num_seen:,.0f} rows of files that changed were looked up in what is live")


def _look(job: Job, probes: Sequence[Task]) -> list[tuple[int, int]]:
    """The new rows and all rows of each probe of one fragment."""
    read, read_earlier = FragmentReader(job), EarlierRows(job)
    try:
        blocks = [read(probe)["input_hash"] for probe in probes]
    except (ArchiveError, ContractError):
        return []
    hashes = pa.chunked_array([chunk for block in blocks for chunk in block.chunks], pa.string())
    known = read_earlier(probes[0], hashes).rows["input_hash"]
    return [
        (len(block) - (pc.sum(pc.is_in(block, value_set=known)).as_py() or 0), len(block)) for block in blocks
    ]
