"""Isolation: one review that makes a stage raise costs itself its annotation, and no other review anything."""

import logging
from collections.abc import Callable, Iterable, Sequence
from typing import Final, TypeVar

from reviewmine.errors import ReviewmineError
from reviewmine.text.mask import mask, mask_error

logger = logging.getLogger(__name__)

Review = TypeVar("Review")

MAX_FAILED: Final = 100
"""More reviews than this do not fail by themselves in one table."""

NOT_THE_REVIEWS_FAULT: Final[tuple[type[Exception], ...]] = (ReviewmineError, MemoryError)
"""What a stage or a machine in trouble raises: no review is blamed for these, and they are not caught."""


def isolated(
    work: Callable[[Sequence[Review]], None],
    batches: Iterable[Sequence[Review]],
    *,
    not_caught: tuple[type[Exception], ...] = NOT_THE_REVIEWS_FAULT,
) -> frozenset[Review]:
    """Run `work` on each batch; where it raises, on each half again, until the review that raises stands alone.

    `work` may see a review several times, and leaves what it finds in the same place each time.

    Returns:
        The reviews on which it raised alone, each of them logged without its personal data.

    Args:
        not_caught: what no review is to blame for; it is raised at once.

    Raises:
        Exception: what `work` raised, where it raised for all of several reviews or for more than MAX_FAILED:
            then it is not the reviews that are broken.
    """
    failed: dict[Review, Exception] = {}
    num_reviews = 0
    for batch in batches:
        num_reviews += len(batch)
        _narrow(work, batch, failed, not_caught)
    if len(failed) == num_reviews > 1:
        raise next(iter(failed.values()))
    return frozenset(failed)


def _narrow(
    work: Callable[[Sequence[Review]], None],
    batch: Sequence[Review],
    failed: dict[Review, Exception],
    not_caught: tuple[type[Exception], ...],
) -> None:
    if not batch:
        return
    try:
        work(batch)
        return
    except not_caught:
        raise
    except Exception as raised:
        if len(batch) == 1:
            mask_error(raised)
            logger.warning("a review cannot be annotated: %s: %s", type(raised).__name__, mask(str(raised)))
            failed[batch[0]] = raised
            if len(failed) > MAX_FAILED:
                raise
            return
    middle = len(batch) // 2
    _narrow(work, batch[:middle], failed, not_caught)
    _narrow(work, batch[middle:], failed, not_caught)
