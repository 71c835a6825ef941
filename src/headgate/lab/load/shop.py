"""The customers of the example shop (examples/shop): half of them look, half of them buy."""

from headgate.lab.load.journey import Choice, Journey, Step

GIFT_CARDS = ("gift-card-10", "gift-card-25", "gift-card-50", "gift-card-100")

GOODS = (
    *("kettle", "teapot", "mug", "grinder", "scale", "whisk", "knife", "pan", "towel"),
    *("green-tea", "black-tea", "coffee", "honey", "salt", "bread-book", "tea-book"),
)

ITEMS = (*GOODS, *GIFT_CARDS)
"""Every item once, as likely as any other: a fault that gift cards trigger shows in one checkout of five."""

BROWSE = Journey(name="browse", steps=(Step(name="catalogue", path="/catalogue"),))

BUY = Journey(
    name="buy",
    choices=(Choice("item", ITEMS), Choice("quantity", (1, 2, 3))),
    steps=(
        Step(
            name="cart",
            method="POST",
            path="/cart",
            body={"item": "{item}", "quantity": "{quantity}"},
            capture=("cart",),
        ),
        Step(name="checkout", method="POST", path="/checkout", body={"cart": "{cart}"}, capture=("order",)),
        Step(name="order", path="/orders/{order}", expect={"status": "completed"}),
    ),
)

SHOP = (BROWSE, BUY)
