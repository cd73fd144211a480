"""What `ray job submit -- python jobs/annotate.py ARCHIVE TABLE ...` runs: the annotate command, on this cluster."""

import sys

from reviewmine.cli import main

if __name__ == "__main__":
    main(["annotate", *sys.argv[1:]])
