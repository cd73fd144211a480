"""Views: SQL over a published table, as DuckDB runs it; reviewmine itself needs no DuckDB.

A polarity is counted only where one was claimed, that is for rows of status ok, truncated or repaired; the view
`left_out` counts the others, so that no share is taken for that of all reviews.
"""

from collections.abc import Sequence
from typing import Final

from reviewmine.labels import ANNOTATED_STATUSES, POLARITIES, STATUSES
from reviewmine.store.table import Table

_ANNOTATED: Final = ", ".join(f"'{status}'" for status in STATUSES if status in ANNOTATED_STATUSES)
_SHARES: Final = ",\n       ".join(
    f"round(avg((polarity = '{polarity}')::INT), 4) AS {polarity}" for polarity in POLARITIES
)


def views(table: str) -> str:
    """Statements that make, in order: `annotations` (all rows), `opinions` (the annotated ones),
    `polarity_by_day`, `polarity_by_product_month` and `left_out`.

    Args:
        table: the table's root, a local path or an `s3://` URI. Days and months are those of the review in UTC.
    """
    return f"""\
CREATE OR REPLACE VIEW annotations AS
SELECT * FROM {scan(table)};

CREATE OR REPLACE VIEW opinions AS
SELECT * FROM annotations WHERE status IN ({_ANNOTATED});

CREATE OR REPLACE VIEW polarity_by_day AS
SELECT strftime(reviewed_at AT TIME ZONE 'UTC', '%Y-%m-%d') AS review_day,
       count(*) AS num_reviews,
       {_SHARES},
       round(avg(intensity), 4) AS mean_intensity
FROM opinions
GROUP BY review_day
ORDER BY review_day;

CREATE OR REPLACE VIEW polarity_by_product_month AS
SELECT product_id,
       strftime(reviewed_at AT TIME ZONE 'UTC', '%Y-%m') AS review_month,
       count(*) AS num_reviews,
       {_SHARES},
       round(avg(intensity), 4) AS mean_intensity
FROM opinions
GROUP BY product_id, review_month
ORDER BY product_id, review_month;

CREATE OR REPLACE VIEW left_out AS
SELECT status, language, count(*) AS num_reviews
FROM annotations
WHERE status NOT IN ({_ANNOTATED})
GROUP BY status, language
ORDER BY num_reviews DESC, status, language;
"""


def query_to_paste(table: str, keys: Sequence[str]) -> str:
    """One query that shows where a table is most negative: by partition and product, at least ten reviews each."""
    columns = ", ".join([*map(identifier, keys), "product_id"])
    return f"""\
SELECT {columns},
       count(*) AS num_reviews,
       {_SHARES},
       round(avg(intensity), 4) AS mean_intensity
FROM {scan(table)}
WHERE status IN ({_ANNOTATED})
GROUP BY {columns}
HAVING count(*) >= 10
ORDER BY negative DESC
LIMIT 10;
"""


def scan(table: str) -> str:
    """The table function that reads every live file of a table, its partition keys as columns.

    Of an Iceberg table it reads the snapshot of now, for ever; who attaches the catalog follows it.
    """
    snapshot = Table(table).live.snapshot()
    if snapshot is not None:
        metadata = literal(snapshot.removeprefix("file://"))
        return f"iceberg_scan({metadata}) /* the snapshot of now: print this again to follow the table */"
    return f"read_parquet({literal(table.rstrip('/') + '/**/*.parquet')}, hive_partitioning = true)"


def literal(text: str) -> str:
    """`text` as an SQL string."""
    return "'" + text.replace("'", "''") + "'"


def identifier(name: str) -> str:
    """`name` as an SQL identifier; bare where it can be."""
    return name if name.isidentifier() and name.islower() else '"' + name.replace('"', '""') + '"'
