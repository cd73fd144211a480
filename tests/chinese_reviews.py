"""Made reviews in Chinese that a small network can learn from."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

THINGS = ("电池", "屏幕", "耳机", "水壶", "台灯")
MOODS = {
    1: ("很差", "太烂了"),
    2: ("不好", "没用"),
    3: ("一般", "还行"),
    4: ("不错", "挺好"),
    5: ("非常好", "完美"),
}


def write_chinese(root: Path, rows: int = 300) -> Path:
    """Reviews in Chinese whose stars follow from their words, as the set `chinese.parquet` under `root`."""
    rng = np.random.default_rng(5)
    stars = rng.choice(list(MOODS), size=rows).tolist()
    bodies = [
        f"{rng.choice(THINGS)}{rng.choice(MOODS[star])},{rng.choice(THINGS)}也{rng.choice(MOODS[star])}。"
        + str(number)
        for number, star in enumerate(stars)
    ]
    columns = {"body": bodies, "rating": stars, "language": ["zh"] * rows}
    pq.write_table(pa.table(columns), root / "chinese.parquet")
    return root


CHINESE = {
    "name": "chinese",
    "path": "chinese.parquet",
    "licence": "own",
    "columns": {"rating": "rating", "language": "language"},
}
