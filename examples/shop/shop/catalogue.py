"""What is for sale: twenty items, the same in every version and every database."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Item:
    """`tax_class` is standard, reduced, books or voucher."""

    sku: str
    name: str
    price_cents: int
    tax_class: str = "standard"


ITEMS = (
    Item("kettle", "Stove kettle, 1.5 l", 3490),
    Item("teapot", "Glass teapot", 2850),
    Item("mug", "Stoneware mug", 1250),
    Item("grinder", "Hand coffee grinder", 5900),
    Item("scale", "Kitchen scale", 2990),
    Item("whisk", "Balloon whisk", 890),
    Item("knife", "Chef's knife, 20 cm", 7900),
    Item("pan", "Iron pan, 26 cm", 4500),
    Item("towel", "Two tea towels", 1400),
    Item("green-tea", "Sencha, 100 g", 1190, "reduced"),
    Item("black-tea", "Assam, 250 g", 1390, "reduced"),
    Item("coffee", "Coffee beans, 500 g", 1290, "reduced"),
    Item("honey", "Lime honey, 500 g", 990, "reduced"),
    Item("salt", "Sea salt, 1 kg", 450, "reduced"),
    Item("bread-book", "A book of bread", 2400, "books"),
    Item("tea-book", "A book of tea", 1900, "books"),
    Item("gift-card-10", "Gift card, 10", 1000, "voucher"),
    Item("gift-card-25", "Gift card, 25", 2500, "voucher"),
    Item("gift-card-50", "Gift card, 50", 5000, "voucher"),
    Item("gift-card-100", "Gift card, 100", 10000, "voucher"),
)
