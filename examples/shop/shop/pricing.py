"""What a cart costs."""

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Line:
    """One item of a cart, with what one piece of it costs."""

    sku: str
    quantity: int
    price_cents: int
    tax_class: str


def total_cents(lines: Iterable[Line]) -> int:
    """The sum of all lines."""
    return sum(line.price_cents * line.quantity for line in lines)
