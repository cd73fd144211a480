"""Records: the small JSON objects of a table's meta, one frozen model each, checked when they are read."""

import hashlib
import re
from typing import Any, ClassVar, Self

from pydantic import BaseModel, ConfigDict, ValidationError

from reviewmine.errors import TableError

_CAPITAL = re.compile("[A-Z]")


class Record(BaseModel):
    """The root of every record: frozen, no unknown fields."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    remedy: ClassVar[str] = "restore it from a backup"
    """What a person does about one that cannot be read."""

    def encode(self) -> bytes:
        return self.model_dump_json(indent=1).encode()

    @classmethod
    def decode(cls, body: bytes, *, where: str) -> Self:
        """Raises TableError for a record that is cut off, altered, or written by a newer reviewmine."""
        try:
            return cls.model_validate_json(body)
        except ValidationError as invalid:
            error = invalid.errors()[0]
            key = ".".join(str(part) for part in error["loc"]) or "the whole"
            kind = _CAPITAL.sub(r" \g<0>", cls.__name__).strip().lower()
            raise TableError(
                f"{where}: not a {kind} that this reviewmine can read: {key}: {error['msg']}; it was "
                f"damaged, or written by a newer reviewmine: {cls.remedy}"
            ) from None


def digest(*parts: Any) -> str:
    """32 hex digits that stand for `parts`; their text forms are kept apart by their lengths."""
    made = hashlib.blake2b(digest_size=16)
    for part in parts:
        text = str(part).encode(errors="surrogateescape")
        made.update(len(text).to_bytes(8, "big"))
        made.update(text)
    return made.hexdigest()
