import pytest

from reviewmine.demo import personal, phrases
from reviewmine.demo.composing import Composer, slots_of
from reviewmine.demo.products import PRODUCTS, STRENGTHS, Product, sentences_by_aspect
from reviewmine.demo.wording import Chance, expand


def every_template() -> list[str]:
    blocks = [product.aspects for product in PRODUCTS] + [phrases.GENERAL_ASPECTS]
    of_aspects = [
        text
        for block in blocks
        for strengths in block.values()
        for texts in strengths.values()
        for text in texts
    ]
    general = [*phrases.OPENERS, *phrases.BAD_UPDATE, *phrases.MENDED, *phrases.LINKS]
    general += [*personal.TYPED, *personal.PASTED, *personal.PASTED_IN_CHINESE]
    by_strength = [phrases.CLOSERS, phrases.SHORT, phrases.TITLES, phrases.CHINESE]
    return (
        of_aspects + general + [text for group in by_strength for texts in group.values() for text in texts]
    )


def test_every_product_has_something_to_say_at_every_strength() -> None:
    assert len({product.product_id for product in PRODUCTS}) == len(PRODUCTS) == 8
    for product in PRODUCTS:
        said = {strength for by_strength in product.aspects.values() for strength in by_strength}
        assert said == set(STRENGTHS), product.name


@pytest.mark.parametrize("template", every_template())
def test_every_template_reads_without_braces_and_loose_ends(template: str) -> None:
    for seed, product in enumerate(PRODUCTS):
        text = expand(template, slots_of(product), Chance(seed))
        assert text
        assert not set(text) & set("{}|@") or "@example" in text
        assert " ," not in text
        assert ".." not in text


def test_a_line_of_another_kind_is_refused() -> None:
    with pytest.raises(ValueError, match="expected one of"):
        sentences_by_aspect("# lid\n? who knows")


@pytest.mark.parametrize("product", PRODUCTS, ids=lambda product: product.product_id)
def test_products_are_written_about_in_their_own_number(product: Product) -> None:
    bodies = " ".join(Composer(product, Chance(seed)).compose("++").body or "" for seed in range(150))
    assert ("Love them" in bodies) is product.plural
    assert ("Love it" in bodies) is not product.plural
