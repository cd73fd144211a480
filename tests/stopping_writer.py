"""A process that publishes, and stops itself (SIGSTOP) before one operation, as one does whose machine freezes.

    python stopping_writer.py URI NUMBER OPERATION PART SKIP

stops before an OPERATION (or one of several, put|put_if) on a name that holds PART, after SKIP of them, and prints how
it ended once it may go on.
"""

import os
import signal
import sys
from typing import Any

from partition_world import SECOND, write
from stores import WrappedStore

from reviewmine.errors import ReviewmineError
from reviewmine.store.filesystem import Location, Store
from reviewmine.store.lease import Patience
from reviewmine.store.opening import open_store

BRIEF = Patience(ttl_s=0.5, wait_s=60, poll_s=0.05)
"""By the real clock: who stops for longer is dead."""


class SelfStoppingStore(WrappedStore):
    def __init__(self, store: Store, operation: str, part: str, skip: int) -> None:
        super().__init__(store)
        self._awaited = operation.split("|")
        self._part = part
        self._skip = skip

    def _operate(self, operation: str, *arguments: Any) -> Any:
        if operation in self._awaited and self._part in arguments[-1 if operation == "copy" else 0]:
            if self._skip == 0:
                os.kill(os.getpid(), signal.SIGSTOP)
            self._skip -= 1
        return super()._operate(operation, *arguments)


def main(uri: str, number: str, operation: str, part: str, skip: str) -> None:
    inner = open_store(Location.parse(uri), scratch="table__meta/scratch")
    store = SelfStoppingStore(inner, operation, part, int(skip))
    try:
        write(store, SECOND, int(number), patience=BRIEF)
        print("done")
    except ReviewmineError as error:
        print(type(error).__name__)


if __name__ == "__main__":
    main(*sys.argv[1:])
