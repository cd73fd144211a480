"""Stopping: how a run that is told to end ends where nothing is half done."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

from reviewmine.errors import Stopped


class StopSignal:
    """SIGTERM as an exception, but only where nothing is half done."""

    def __init__(self) -> None:
        self._requested = False
        self._interruptible = False

    @contextmanager
    def heeded(self) -> Iterator[None]:
        """SIGTERM is caught in this block; off the main thread it is left as it is."""
        try:
            before: Any = signal.signal(signal.SIGTERM, self._receive)
        except ValueError:
            yield
            return
        try:
            yield
        finally:
            signal.signal(signal.SIGTERM, signal.SIG_DFL if before is None else before)

    def check(self) -> None:
        """Raises Stopped if the signal has come."""
        if self._requested:
            raise self._stopped()

    @contextmanager
    def interrupting(self) -> Iterator[None]:
        """The block ends with Stopped as soon as the signal comes, or if it has come before.

        A library in native code may turn what was raised in its midst into an error of its own: that is Stopped too.
        """
        self._interruptible = True
        try:
            self.check()
            yield
        except BaseException as error:
            if self._requested and not isinstance(error, Stopped):
                raise self._stopped() from error
            raise
        finally:
            self._interruptible = False

    def _receive(self, number: int, frame: FrameType | None) -> None:
        self._requested = True
        if self._interruptible:
            raise self._stopped()

    @staticmethod
    def _stopped() -> Stopped:
        return Stopped("stopped by SIGTERM; what is annotated stands: run the same command again to go on")
