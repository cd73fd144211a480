"""What every schedule runs, `python jobs/backfill.py ARCHIVE TABLE --run jobs/runs/backfill.toml --partitions A..B`.

It is `reviewmine backfill run`, over a range: what is fresh is left alone, and what a stopped run left is resumed.
"""

import sys

from reviewmine.cli import main

if __name__ == "__main__":
    main(["annotate", *sys.argv[1:]])
