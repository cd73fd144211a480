"""Run files: one TOML file per kind of run, read into a frozen pydantic model that lives beside its owner.

Rules enforced here: an unknown key is an error with a suggestion; a secret in a value or a URI is refused,
because run files are committed and shown; a value given on the command line replaces the file's.
"""

import difflib
import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, TypeVar, get_args

from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic_core import ErrorDetails

from reviewmine.errors import ConfigError

_SECRET_KEY = re.compile(r"secret|password|passwd|token$|api_?key|access_?key", re.IGNORECASE)
_SECRET_VALUES = {
    "an AWS access key": re.compile(r"\b(?:AKIA|ASIA)[0-9A-Z]{16}\b"),
    "a user and password": re.compile(r"\w+://[^/\s:@]*:(?!\d+/)[^\s@]*@"),  # secrets may hold a slash
    "a secret in a query": re.compile(
        r"[?&](?:secret_?key|access_?key|password|token|x-amz-signature)=", re.IGNORECASE
    ),
}

Model = TypeVar("Model", bound="RunModel")


class RunModel(BaseModel):
    """The root of every table of a run file: frozen, keyword-only, no unknown keys."""

    model_config = ConfigDict(frozen=True, extra="forbid")


def load_run_file(
    path: str | Path | None, model: type[Model], overrides: Mapping[str, Any] | None = None
) -> Model:
    """The run file at `path` (or the defaults, if None) as `model`, with `overrides` in place of its values.

    An override is named by its path in the file, `execution.num_actors`; one that is None is not given.
    Raises ConfigError for a file that is not there, is not TOML, or breaks the model, naming the key.
    """
    where = str(path) if path is not None else "command line"
    values = _read_toml(Path(path)) if path is not None else {}
    for name, value in (overrides or {}).items():
        if value is not None:
            _place(values, name, value, where)
    return validated(values, model, where=where)


def validated(values: Mapping[str, Any], model: type[Model], *, where: str) -> Model:
    """`values` of the run file `where` as `model`. Raises ConfigError for a secret, and for what breaks the model."""
    refuse_secrets(values, where=where)
    try:
        return model.model_validate(values)
    except ValidationError as invalid:
        raise ConfigError(explained(invalid.errors(), model, values, where=where)) from None


def explained(
    errors: Iterable[ErrorDetails], model: type[BaseModel], values: Mapping[str, Any], *, where: str
) -> str:
    """What is wrong with `values`, a line for each error that `model` found in them."""
    return "\n".join(_explain(error, model, values, where) for error in errors)


def suggestion(name: str, known: Iterable[str]) -> str:
    """What a message says after a `name` that is none of the `known`: which of them was meant, or what they are."""
    names = sorted(known)
    near = difflib.get_close_matches(name, names, n=1)
    return f"did you mean '{near[0]}'?" if near else f"expected one of {', '.join(names) or 'none'}"


def refuse_secrets(values: Any, *, where: str, key: str = "") -> None:
    """Raise ConfigError if any value, however deep, is or carries a credential; the value itself is not shown."""
    for name, value in _leaves(values, key):
        found = next((what for what, pattern in _SECRET_VALUES.items() if pattern.search(value)), None)
        if found is None and _SECRET_KEY.search(name.rsplit(".", 1)[-1]) and value:
            found = "a credential"
        if found:
            raise ConfigError(
                f"{where}: {name or 'value'} holds {found}; credentials are read from the environment only "
                "(AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_PROFILE or an instance role): take it out"
            )


def _read_toml(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ConfigError(
            f"{path}: there is no such run file; the ones that ship are in jobs/runs/"
        ) from None
    except OSError as refused:
        raise ConfigError(f"{path}: the run file cannot be read: {refused.strerror}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as broken:
        raise ConfigError(f"{path}: not valid TOML: {broken}") from None


def _place(values: dict[str, Any], name: str, value: Any, where: str) -> None:
    *tables, key = name.split(".")
    for table in tables:
        values = values.setdefault(table, {})
        if not isinstance(values, dict):
            raise ConfigError(f"{where}: {table}: found {values!r}, expected a table, [{table}]")
    values[key] = value


def _leaves(values: Any, key: str) -> Iterator[tuple[str, str]]:
    if isinstance(values, Mapping):
        for name, value in values.items():
            yield from _leaves(value, f"{key}.{name}" if key else str(name))
    elif isinstance(values, list | tuple):
        for value in values:
            yield from _leaves(value, key)
    elif isinstance(values, str):
        yield key, values


def _explain(error: ErrorDetails, model: type[BaseModel], values: Any, where: str) -> str:
    location = [part for part in error["loc"] if isinstance(part, str)]
    key = ".".join(_written(error["loc"], values))
    if error["type"] != "extra_forbidden":
        found = "" if isinstance(error["input"], Mapping) else f", found {error['input']!r}"
        return f"{where}: {key or 'values'}: {error['msg']}{found}"
    return f"{where}: unknown key '{key}'; {suggestion(location[-1], _keys_beside(model, location[:-1]))}"


def _written(location: tuple[int | str, ...], values: Any) -> Iterator[str]:
    """The keys of a location as the file has them: pydantic adds the name of the kind that a union settled for."""
    for number, part in enumerate(location):
        is_last = number + 1 == len(location)
        if isinstance(part, int):
            values = values[part] if isinstance(values, list | tuple) and part < len(values) else None
        elif is_last or (isinstance(values, Mapping) and part in values):
            yield part
            values = values[part] if isinstance(values, Mapping) and part in values else None


def _keys_beside(model: type[BaseModel], tables: list[str]) -> list[str]:
    """The keys that the table at `tables` may hold; a union or a list is looked through for its models."""
    models = [model]
    for table in tables:
        fields = [m.model_fields[table].annotation for m in models if table in m.model_fields]
        models = [found for annotation in fields for found in _models_in(annotation)] or models
    return [name for found in models for name in found.model_fields]


def _models_in(annotation: Any) -> list[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [found for part in get_args(annotation) for found in _models_in(part)]
