"""Journeys: what is put in where, what is refused, and who goes where."""

from collections import Counter
from random import Random

import msgspec
import pytest

from headgate.lab.load import SHOP, Choice, Journey, Step
from headgate.lab.load.journey import draw
from headgate.lab.load.shop import ITEMS


def test_a_step_is_filled_with_choices_and_captures() -> None:
    step = Step(
        name="add",
        method="POST",
        path="/carts/{cart}/{item}",
        body={"n": "{n}", "note": "{n} of {item}", "x": 1},
    )
    values: dict[str, str | int] = {"cart": "c1", "item": "mug", "n": 3}
    assert step.render_path(values) == "/carts/c1/mug"
    assert msgspec.json.decode(step.render_body(values) or b"") == {"n": 3, "note": "3 of mug", "x": 1}
    assert step.placeholders == {"cart", "item", "n"}


def test_a_step_without_a_body_has_none() -> None:
    assert Step(name="page", path="/").render_body({}) is None


def test_a_placeholder_that_nothing_gives_is_refused() -> None:
    first = Step(name="cart", path="/cart", capture=("cart",))
    second = Step(name="pay", path="/pay/{cart}/{order}")
    with pytest.raises(ValueError, match=r"buy\.pay uses \{order\}, which nothing before it gives"):
        Journey(name="buy", steps=(first, second))
    with pytest.raises(ValueError, match=r"buy\.pay uses \{cart\}"):
        Journey(name="buy", steps=(second, first), choices=(Choice("order", (1,)),))


def test_journeys_come_from_json_and_are_checked_there() -> None:
    text = (
        b'[{"name": "look", "steps": [{"name": "page", "path": "/{id}"}],'
        b' "choices": [{"name": "id", "values": [1]}]}]'
    )
    (journey,) = msgspec.json.decode(text, type=tuple[Journey, ...])
    assert journey.steps[0].render_path({"id": 1}) == "/1"
    for wrong in (
        text.replace(b"{id}", b"{it}"),
        text.replace(b"[1]", b"[]"),
        text.replace(b'"path"', b'"pth"'),
    ):
        with pytest.raises(msgspec.ValidationError):
            msgspec.json.decode(wrong, type=tuple[Journey, ...])


def test_draws_follow_the_weights_and_the_seed() -> None:
    often = Journey(name="often", weight=3, steps=(Step(name="page", path="/"),))
    seldom = Journey(name="seldom", weight=1, steps=(Step(name="page", path="/"),))
    random = Random(4)
    names = [draw((often, seldom), random)[0].name for _ in range(4000)]
    # 3000 are expected; 4 standard deviations are 110.
    assert abs(Counter(names)["often"] - 3000) < 110
    again = Random(4)
    assert [draw((often, seldom), again)[0].name for _ in range(4000)] == names


def test_half_of_the_shop_s_customers_buy_any_item_as_likely() -> None:
    random = Random(1)
    drawn = [draw(SHOP, random) for _ in range(8000)]
    bought = Counter(values["item"] for journey, values in drawn if journey.name == "buy")
    assert abs(bought.total() - 4000) < 180
    assert bought.keys() == set(ITEMS)
    assert all(abs(count - 200) < 60 for count in bought.values())
