"""Catalog entries: what an Iceberg table needs before anything is put."""

import pytest

from reviewmine.errors import UsageError
from reviewmine.store.catalog_entry import CatalogEntry, IcebergSettings
from reviewmine.store.filesystem import Location

LOCAL, BUCKET = Location.parse("/srv/opinions"), Location.parse("s3://bucket/daily/opinions")


def test_a_local_table_has_a_catalog_of_its_own_and_goes_by_its_folder():
    entry = CatalogEntry.of(IcebergSettings(), LOCAL)
    assert (entry.catalog, entry.identifier) == (None, ("reviewmine", "opinions"))
    assert str(entry) == "embedded catalog, reviewmine.opinions"


def test_namespaces_may_have_several_levels():
    entry = CatalogEntry.of(IcebergSettings(catalog="prod", namespace="shop.reviews"), BUCKET)
    assert entry.identifier == ("shop", "reviews", "opinions")


def test_a_table_in_a_bucket_names_its_catalog():
    with pytest.raises(UsageError, match=r"name one of ~/\.pyiceberg\.yaml .* with --catalog NAME"):
        CatalogEntry.of(IcebergSettings(), BUCKET)


def test_a_place_that_an_uri_cannot_spell_is_refused():
    with pytest.raises(UsageError, match="found '#' or"):
        CatalogEntry.of(IcebergSettings(), Location.parse("/srv/no #1"))
