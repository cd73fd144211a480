"""Resampling: how far a figure could lie from where it lies, had other rows been drawn (bootstrap: Efron 1979)."""

from typing import Final

import numpy as np
import numpy.typing as npt

RESAMPLES: Final = 2000
_RESAMPLES_AT_ONCE: Final = 50
_MIDDLE: Final = (0.025, 0.975)


def macro_f1_interval(confusion: npt.NDArray[np.integer], *, seed: int = 0) -> tuple[float, float]:
    """The middle 95% of macro-F1 over resampled rows, from the confusion counts [true, found] alone.

    Rows drawn with replacement fall into the cells of the table by a multinomial law, so whole tables are drawn.
    Classes of which a table has no row are left out of its mean, as in macro-F1.
    """
    rng = np.random.default_rng(seed)
    num_rows = int(confusion.sum())
    tables = rng.multinomial(num_rows, confusion.ravel() / num_rows, size=RESAMPLES).reshape(
        -1, *confusion.shape
    )
    return middle(macro_f1(np.diagonal(tables, axis1=1, axis2=2), tables.sum(axis=2), tables.sum(axis=1)))


def resampled_sums(columns: npt.NDArray[np.float32], *, seed: int = 0) -> npt.NDArray[np.float64]:
    """The sums [RESAMPLES, K] of columns [N, K] over N rows drawn with replacement, the same rows for every column.

    Figures that are functions of such sums need nothing else; counts below 2**24 are exact.
    """
    rng = np.random.default_rng(seed)
    num_rows, num_columns = columns.shape
    sums = np.empty((RESAMPLES, num_columns))
    for first in range(0, RESAMPLES, _RESAMPLES_AT_ONCE):
        drawn = rng.integers(num_rows, size=(_RESAMPLES_AT_ONCE, num_rows))
        times = np.stack([np.bincount(rows, minlength=num_rows) for rows in drawn]).astype(np.float32)
        sums[first : first + _RESAMPLES_AT_ONCE] = times @ columns
    return sums


def macro_f1(hits: npt.ArrayLike, actual: npt.ArrayLike, found: npt.ArrayLike) -> npt.NDArray[np.float64]:
    """Macro-F1 [R] over the classes that occur, from rows [R, C] per class: told right, of the class, told to be."""
    right, of_class, told = (np.asarray(rows, dtype=np.float64) for rows in (hits, actual, found))
    present = of_class > 0
    either = np.where(present, of_class + told, 1.0)
    macro: npt.NDArray[np.float64] = (2 * right / either * present).sum(axis=1) / np.maximum(
        present.sum(axis=1), 1
    )
    return macro


def middle(drawn: npt.NDArray[np.float64]) -> tuple[float, float]:
    """The percentile interval of 95% of figures [R]."""
    low, high = np.quantile(drawn, _MIDDLE)
    return float(low), float(high)
