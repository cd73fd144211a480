"""Iceberg catalogs: opening the one that a table is registered in, and registering the table there."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import pyarrow as pa
from pyiceberg.catalog import Catalog, list_catalogs, load_catalog
from pyiceberg.catalog.sql import SqlCatalog
from pyiceberg.exceptions import NoSuchTableError, TableAlreadyExistsError
from pyiceberg.table import Table as IcebergTable

from reviewmine.contract.annotations import annotations_schema
from reviewmine.errors import ReviewmineError, StoreError, TableError, UsageError
from reviewmine.store.catalog_entry import CatalogEntry
from reviewmine.store.filesystem import Location
from reviewmine.store.s3_client import iceberg_properties

EMBEDDED: Final = "reviewmine"
"""What the catalog in a table's meta calls itself; whoever opens the file has to name it so."""

_MOVED: Final = "Iceberg names files by their whole place, so if the table was moved, move it back"


def open_catalog(entry: CatalogEntry, embedded: Location) -> Catalog:
    """The catalog that `entry` names, or the one in the file `embedded`.

    Raises UsageError for a name that pyiceberg's configuration does not have, or has only half of.
    """
    with told(str(entry)):
        if entry.catalog is None:
            Path(embedded.path).parent.mkdir(parents=True, exist_ok=True)
            return SqlCatalog(EMBEDDED, uri=f"sqlite:///{embedded.path}")
        try:
            catalog = load_catalog(entry.catalog)
        except ValueError as wrong:
            raise UsageError(
                f"catalog {entry.catalog!r}: {wrong}; found {', '.join(list_catalogs()) or 'no catalog'} in "
                "~/.pyiceberg.yaml and PYICEBERG_CATALOG__*"
            ) from None
        if embedded.scheme == "s3":
            catalog.properties = {**iceberg_properties(), **catalog.properties}
        return catalog


def registered(catalog: Catalog, entry: CatalogEntry, uri: str, keys: Sequence[str]) -> IcebergTable:
    """The table as its catalog has it; registered first if it is not.

    Raises TableError if the entry is of a table at another place, or of one that is partitioned otherwise.
    """
    with told(str(entry)):
        try:
            table = catalog.load_table(entry.identifier)
        except NoSuchTableError:
            table = _register(catalog, entry, uri, keys)
        except FileNotFoundError as absent:
            raise TableError(f"{uri}: {entry}: {absent}; {_MOVED}") from absent
    if table.location().rstrip("/") != uri:
        raise TableError(
            f"{uri}: {entry} is a table at {table.location()}; {_MOVED}, or choose another place or namespace"
        )
    found = tuple(field.name for field in table.spec().fields)
    if found != tuple(keys):
        raise TableError(
            f"{uri}: {entry} is partitioned by {'/'.join(found) or 'nothing'}, expected {'/'.join(keys) or 'nothing'}"
        )
    return table


def _register(catalog: Catalog, entry: CatalogEntry, uri: str, keys: Sequence[str]) -> IcebergTable:
    fields = [*annotations_schema(), *(pa.field(key, pa.string()) for key in keys)]
    # Bounds that were cut short could not prove which files lie in a partition.
    properties = {f"write.metadata.metrics.column.{key}": "full" for key in keys}
    catalog.create_namespace_if_not_exists(entry.identifier[:-1])
    try:
        with catalog.create_table_transaction(
            entry.identifier, pa.schema(fields), location=uri, properties=properties
        ) as transaction:
            with transaction.update_spec() as spec:
                for key in keys:
                    spec.add_identity(key)
            names = transaction.table_metadata.schema().name_mapping.model_dump_json()
            transaction.set_properties({"schema.name-mapping.default": names})
    except TableAlreadyExistsError:
        pass  # another run was quicker
    return catalog.load_table(entry.identifier)


@contextmanager
def told(where: str) -> Iterator[None]:
    """Whatever a catalog raises, and each has errors of its own, becomes a StoreError: its outcome is not known."""
    try:
        yield
    except ReviewmineError:
        raise
    except Exception as refused:
        raise StoreError(f"{where}: {type(refused).__name__}: {refused}") from refused
