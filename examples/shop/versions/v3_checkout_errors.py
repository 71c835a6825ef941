"""v3: a discount for members. Broken: a checkout with a gift card in it fails.

How it happened: the table of discounts was exported from staging, by tax class. Nobody ever set up gift cards
in staging, so their class (`voucher`) is not in the table. All tests passed: their carts were made of
staging's items. Four items of twenty are gift cards, so about one checkout of five answers 500 (a twentieth of all
requests) and the others are fine.
"""

from shop.application import Application
from shop.pricing import Line

DISCOUNT_PERCENT = {"standard": 10, "reduced": 5, "books": 0}


class Shop(Application):
    """Prices with a discount by tax class."""

    version = "v3-checkout-errors"

    def price(self, lines: list[Line]) -> int:
        """The sum of all lines, each with its discount."""
        return sum(_discounted_cents(line) for line in lines)


def _discounted_cents(line: Line) -> int:
    full = line.price_cents * line.quantity
    return full - full * DISCOUNT_PERCENT[line.tax_class] // 100
