"""Stores for tests: one in memory, and wrappers that number its operations, stop a writer at one, or lose a reply."""

import hashlib
import signal
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pyarrow as pa

from reviewmine.errors import PreconditionFailed, StoreError, StoreUnavailable
from reviewmine.store.filesystem import Listed, Store, Stored


class Crash(BaseException):
    """The process is gone: nothing of it runs any more."""


class MemoryStore:
    """Objects in a dictionary. Without compare-and-swap `put_if` looks and puts in two operations, as S3Store does."""

    root = "memory"

    def __init__(self, *, compare_and_swap: bool = True, objects: dict[str, bytes] | None = None) -> None:
        self.compare_and_swap = compare_and_swap
        self.objects = dict(objects or {})

    def twin(self) -> "MemoryStore":
        """Another store that holds the same, and goes its own way from now on."""
        return MemoryStore(compare_and_swap=self.compare_and_swap, objects=self.objects)

    def deny_compare_and_swap(self) -> None:
        self.compare_and_swap = False

    def get(self, name: str) -> Stored | None:
        body = self.objects.get(name)
        return None if body is None else Stored(body, _etag(body))

    def open(self, name: str) -> Any:
        if name not in self.objects:
            raise FileNotFoundError(name)
        return pa.BufferReader(self.objects[name])

    def stat(self, name: str) -> Listed | None:
        body = self.objects.get(name)
        return None if body is None else Listed(name, len(body), _etag(body))

    def put(self, name: str, body: bytes) -> None:
        self.objects[name] = body

    def put_if(self, name: str, body: bytes, etag: str | None) -> str:
        current = self.stat(name)
        if (current.etag if current else None) != etag:
            raise PreconditionFailed(name)
        self.objects[name] = body
        return _etag(body)

    def copy(self, source: str, target: str) -> None:
        if source not in self.objects:
            raise StoreError(f"{source}: cannot be copied: there is no such object")
        self.objects[target] = self.objects[source]

    def delete(self, name: str) -> None:
        self.objects.pop(name, None)

    def list(self, prefix: str) -> Iterator[Listed]:
        names = [name for name in sorted(self.objects) if not prefix or name.startswith(prefix + "/")]
        return iter([Listed(name, len(self.objects[name]), _etag(self.objects[name])) for name in names])


class WrappedStore:
    """Every operation goes through `_operate`, which subclasses override. MUTATIONS are what a crash can tear."""

    MUTATIONS = frozenset({"put", "put_if", "copy", "delete"})

    def __init__(self, store: Store) -> None:
        self.store = store
        self.root = store.root

    @property
    def compare_and_swap(self) -> bool:
        return self.store.compare_and_swap

    def deny_compare_and_swap(self) -> None:
        self.store.deny_compare_and_swap()

    def _operate(self, operation: str, *arguments: Any) -> Any:
        return self._carry_out(operation, *arguments)

    def _carry_out(self, operation: str, *arguments: Any) -> Any:
        return getattr(self.store, operation)(*arguments)

    def get(self, name: str) -> Stored | None:
        return self._operate("get", name)

    def open(self, name: str) -> Any:
        return self._operate("open", name)

    def stat(self, name: str) -> Listed | None:
        return self._operate("stat", name)

    def put(self, name: str, body: bytes) -> None:
        return self._operate("put", name, body)

    def put_if(self, name: str, body: bytes, etag: str | None) -> str:
        if self.compare_and_swap:
            return self._operate("put_if", name, body, etag)
        current = self.stat(name)
        if (current.etag if current else None) != etag:
            raise PreconditionFailed(name)
        self.put(name, body)
        return self.stat(name).etag

    def copy(self, source: str, target: str) -> None:
        return self._operate("copy", source, target)

    def delete(self, name: str) -> None:
        return self._operate("delete", name)

    def list(self, prefix: str) -> Iterator[Listed]:
        return iter(self._operate("list", prefix))


class StoppingStore(WrappedStore):
    """Numbers the mutations from 0 and does one of three things at number `at`.

    `before` and `after` crash there, and whatever other threads want afterwards comes too late; `lost` carries the
    operation out and then says that no answer came.
    """

    def __init__(self, store: Store, *, at: int | None = None, how: str = "before") -> None:
        super().__init__(store)
        self.at = at
        self.how = how
        self.log: list[str] = []
        self._has_crashed = False
        self._one_at_a_time = threading.RLock()

    def _operate(self, operation: str, *arguments: Any) -> Any:
        if operation not in self.MUTATIONS:
            return super()._operate(operation, *arguments)
        return self.step(_told(operation, arguments), lambda: self._carry_out(operation, *arguments))

    def step(self, told: str, mutate: Callable[[], Any]) -> Any:
        """One mutation more, here or elsewhere."""
        with self._one_at_a_time:
            return self._mutate(told, mutate)

    def _mutate(self, told: str, mutate: Callable[[], Any]) -> Any:
        if self._has_crashed:
            raise Crash
        number = len(self.log)
        self.log.append(told)
        self._has_crashed = number == self.at and self.how != "lost"
        if number == self.at and self.how == "before":
            raise Crash
        answer = mutate()
        if number == self.at:
            raise Crash if self.how == "after" else StoreUnavailable("the reply was lost")
        return answer


class SignallingStore(WrappedStore):
    """Sends this process SIGTERM before the first operation of one kind on a name that holds `part`."""

    def __init__(self, store: Store, operation: str, part: str) -> None:
        super().__init__(store)
        self._awaited = operation
        self._part = part
        self._sent = False

    def _operate(self, operation: str, *arguments: Any) -> Any:
        if operation == self._awaited and self._part in arguments[-1] and not self._sent:
            self._sent = True
            signal.raise_signal(signal.SIGTERM)
        return super()._operate(operation, *arguments)


class RefusingStore(WrappedStore):
    """Refuses one operation on names that hold one of `parts`."""

    def __init__(self, store: Store, operation: str, *parts: str) -> None:
        super().__init__(store)
        self._refused = operation
        self._parts = parts

    def _operate(self, operation: str, *arguments: Any) -> Any:
        name = arguments[1] if operation == "copy" else arguments[0]
        if operation == self._refused and any(part in name for part in self._parts):
            raise StoreError(f"{name}: not this one")
        return super()._operate(operation, *arguments)


class PausingStore(WrappedStore):
    """Pauses its thread before operation number `at` (reads count) until told to go on.

    `look` is called after each operation that could break what readers rely on: a delete, or a put of a pointer.
    """

    def __init__(self, store: Store, *, at: int | None, look: Callable[[], None] = lambda: None) -> None:
        super().__init__(store)
        self.at = at
        self.log: list[str] = []
        self.has_paused = False
        self.paused = threading.Event()
        self.resumed = threading.Event()
        self._look = look

    def _operate(self, operation: str, *arguments: Any) -> Any:
        answer = self.step(_told(operation, arguments), lambda: self._carry_out(operation, *arguments))
        if operation == "delete" or (operation == "put_if" and "/live/" in arguments[0]):
            self._look()
        return answer

    def step(self, told: str, operate: Callable[[], Any]) -> Any:
        """One operation more, here or elsewhere."""
        if len(self.log) == self.at:
            self.has_paused = True
            self.paused.set()
            self.resumed.wait()
        self.log.append(told)
        return operate()


class Writer:
    """A thread that writes through a PausingStore; `to_pause` runs it to its pause or its end, `to_end` to its end."""

    def __init__(self, store: PausingStore, write: Callable[[Store], None]) -> None:
        self._store = store
        self._write = write
        self.error: BaseException | None = None
        self._thread = threading.Thread(target=self._run, daemon=True)

    def to_pause(self) -> None:
        self._thread.start()
        self._store.paused.wait()

    def to_end(self) -> None:
        self._store.resumed.set()
        self._thread.join()

    def _run(self) -> None:
        try:
            self._write(self._store)
        except BaseException as error:
            self.error = error
        finally:
            self._store.paused.set()


def _told(operation: str, arguments: tuple[Any, ...]) -> str:
    return f"{operation} {arguments[-1] if operation == 'copy' else arguments[0]}"


def _etag(body: bytes) -> str:
    return hashlib.sha256(body).hexdigest()
