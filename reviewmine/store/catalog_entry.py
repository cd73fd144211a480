"""Catalog entries: under which name, and in which catalog, a table of the format `iceberg` is registered."""

from reviewmine.config import RunModel
from reviewmine.errors import UsageError
from reviewmine.store.filesystem import Location
from reviewmine.store.record import Record


class IcebergSettings(RunModel):
    """The catalog of an Iceberg table, by its name in pyiceberg's own configuration, and the namespace in it.

    Without a catalog a local table has one of its own, in a file of its meta.
    """

    catalog: str | None = None
    namespace: str = "reviewmine"


class CatalogEntry(Record):
    """Where an Iceberg table is registered, as its record says; no catalog: the one in its own meta."""

    catalog: str | None
    namespace: str
    name: str

    @classmethod
    def of(cls, settings: IcebergSettings, location: Location) -> "CatalogEntry":
        """Raises UsageError for a table that needs a catalog and names none, or whose place an URI cannot spell."""
        if location.scheme != "file" and settings.catalog is None:
            raise UsageError(
                f"{location.uri}: an Iceberg table in object storage is found through a catalog; name one of "
                "~/.pyiceberg.yaml or of PYICEBERG_CATALOG__NAME__* with --catalog NAME"
            )
        if set(location.path) & set("#?"):
            raise UsageError(
                f"{location.uri}: found '#' or '?', which an Iceberg table cannot have in its place"
            )
        return cls(catalog=settings.catalog, namespace=settings.namespace, name=location.name)

    @property
    def identifier(self) -> tuple[str, ...]:
        return (*self.namespace.split("."), self.name)

    def __str__(self) -> str:
        return f"{self.catalog or 'embedded catalog'}, {'.'.join(self.identifier)}"
