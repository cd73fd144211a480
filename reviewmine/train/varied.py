"""Varied runs: a run file with other values in some of its fields, as settings and as a file for people."""

import copy
import tomllib
from collections.abc import Mapping, MutableMapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import tomlkit
from pydantic import ValidationError

from reviewmine.config import explained, load_run_file, suggestion, validated
from reviewmine.errors import ConfigError
from reviewmine.train.run_file import TrainingRun


@dataclass(frozen=True)
class VariedRun:
    """A run file that is there, named `where`, by its text."""

    where: str
    text: str

    @classmethod
    def read(cls, path: Path) -> "VariedRun":
        """The run file at `path`. Raises ConfigError if it is not there or is no run."""
        load_run_file(path, TrainingRun)
        return cls(path.name, path.read_text(encoding="utf-8"))

    @cached_property
    def run(self) -> TrainingRun:
        """The run as the file has it."""
        return validated(tomllib.loads(self.text), TrainingRun, where=self.where)

    def varied(self, values: Mapping[str, Any]) -> TrainingRun:
        """The run with `values` in place of its own, by dotted name. Raises ConfigError if that is no run."""
        return validated(self.with_values(values), TrainingRun, where=self.where)

    def with_values(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """What the file holds, with `values` in place of its own. Raises ConfigError for a name that no run has."""
        tables = tomllib.loads(self.text)
        self._place_all(tables, values)
        return tables

    def written(self, values: Mapping[str, Any], *, said: str) -> str:
        """The file with `values` in place of its own, comments and all else as they were, `said` in its first lines."""
        document = tomlkit.parse(self.text)
        self._place_all(document, values)
        heading = "".join(f"# {line}".rstrip() + "\n" for line in said.splitlines())
        return f"{heading}\n{tomlkit.dumps(document)}"

    def _place_all(self, tables: MutableMapping[str, Any], values: Mapping[str, Any]) -> None:
        everything = self.run.model_dump(mode="json")
        for name, value in values.items():
            try:
                _place(tables, everything, name, value)
            except ConfigError as unknown:
                raise ConfigError(f"{self.where}: {unknown}") from None


def misfit(base: VariedRun, name: str, value: Any) -> str | None:
    """What is wrong with one value of the field called `name`; None if nothing is, or only beside other fields."""
    try:
        values = base.with_values({name: value})
        TrainingRun.model_validate(values)
    except ConfigError as unknown:
        return str(unknown)
    except ValidationError as invalid:
        key = name.rpartition(".")[2]
        errors = [one for one in invalid.errors() if one["type"] != "value_error" or key in one["loc"]][:1]
        return explained(errors, TrainingRun, values, where=base.where) or None
    return None


def _place(tables: Any, everything: Any, name: str, value: Any) -> None:
    """Put `value` into `tables`; of tables that are not there, `everything` says what they hold by default."""
    *path, last = name.split(".")
    for number, key in enumerate(path):
        _require(key, everything, ".".join(path[:number]))
        if isinstance(tables, list):
            tables = next(table for table in tables if table["name"] == key)
            everything = next(table for table in everything if table["name"] == key)
            continue
        if key not in tables:
            tables[key] = _without_none(everything[key])
        tables, everything = tables[key], everything[key]
    _require(last, everything, ".".join(path))
    if isinstance(tables, list):
        raise ConfigError(f"'{name}' is a whole table of a list; name a key of it, such as '{name}.weight'")
    tables[last] = copy.deepcopy(value)


def _require(key: str, everything: Any, place: str) -> None:
    """Raise ConfigError if a run has no `key` at `place`."""
    named = f"'{place}.{key}'" if place else f"'{key}'"
    if isinstance(everything, list) and all(isinstance(one, dict) and "name" in one for one in everything):
        known = [one["name"] for one in everything]
    elif isinstance(everything, dict):
        known = list(everything)
    else:
        raise ConfigError(f"unknown key {named}; '{place}' is {everything!r}, not a table")
    if key not in known:
        raise ConfigError(f"unknown key {named}; {suggestion(key, known)}")


def _without_none(value: Any) -> Any:
    """A value without what TOML cannot say, and which is as good as left out."""
    if isinstance(value, dict):
        return {key: _without_none(one) for key, one in value.items() if one is not None}
    return [_without_none(one) for one in value] if isinstance(value, list) else value
