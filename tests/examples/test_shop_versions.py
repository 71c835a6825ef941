"""What is broken about each broken version, in numbers; and that the good ones have none of it."""

import asyncio
from itertools import islice
from pathlib import Path
from random import Random

import pytest

from headgate.lab.load import SHOP, Load, Results, run
from headgate.lab.load.journey import draw
from headgate.lab.load.shop import GIFT_CARDS as CARDS
from headgate.lab.load.shop import ITEMS
from tests.examples.shops import BROKEN, GOOD, OpenShop, Shop, ask, buy, orders_in

SEED = 20
CUSTOMERS = 120


def customers() -> list[dict[str, str | int]]:
    """What each buyer picks, and an empty entry for each one who only looks, as the seed has it."""
    random = Random(f"{SEED}:journeys")
    return [values for _, values in islice(iter(lambda: draw(SHOP, random), None), CUSTOMERS)]


BUYERS = [values for values in customers() if values]
LOOKERS = CUSTOMERS - len(BUYERS)
GIFT_CARDS = sum(values["item"] in CARDS for values in BUYERS)
REQUESTS = LOOKERS + 3 * len(BUYERS)


def visit(shop: Shop) -> Results:
    """The same customers for every version."""
    load = Load(
        url=shop.url,
        rate_per_s=300,
        duration_s=30,
        count_max=CUSTOMERS,
        concurrency_max=CUSTOMERS,
        journeys=SHOP,
        seed=SEED,
        timeout_s=20,
    )
    return asyncio.run(run(load))


def test_the_customers_of_this_seed_put_everything_to_the_test() -> None:
    assert len(BUYERS) > 40
    assert LOOKERS > 40
    assert GIFT_CARDS > 2


@pytest.mark.parametrize("version", GOOD)
def test_good_versions_serve_everyone(version: str, open_shop: OpenShop, database: Path) -> None:
    shop = open_shop(version)
    total = visit(shop).total
    assert total.counts.requests == REQUESTS
    assert total.counts.bad == total.counts.refused == 0
    assert total.versions.keys() == {version}
    assert total.journeys["buy"].completed == len(BUYERS) == len(orders_in(database))
    metrics = shop.metrics()
    assert metrics["shop_checkouts_total"] == metrics["shop_orders_completed_total"] == len(BUYERS)
    assert shop.stop() == (0, "")


def test_v3_fails_one_checkout_of_five(open_shop: OpenShop) -> None:
    shop = open_shop("v3-checkout-errors")
    statuses = {item: buy(shop, item).status for item in ITEMS}
    assert statuses == {**dict.fromkeys(ITEMS, 200), **dict.fromkeys(CARDS, 500)}
    assert "KeyError: 'voucher'" in shop.stop()[1]


def test_v3_fails_the_checkouts_with_gift_cards_and_nothing_else(open_shop: OpenShop) -> None:
    shop = open_shop("v3-checkout-errors")
    total = visit(shop).total
    assert total.counts.failed == total.steps["buy.checkout"].counts.failed == GIFT_CARDS
    assert total.counts.bad == GIFT_CARDS
    assert total.journeys["buy"].completed == len(BUYERS) - GIFT_CARDS
    assert total.journeys["browse"].completed == LOOKERS
    metrics = shop.metrics()
    assert metrics['shop_requests_total{method="POST",route="/checkout",code="500"}'] == GIFT_CARDS
    assert metrics["shop_checkouts_total"] - metrics["shop_orders_completed_total"] == GIFT_CARDS


def test_v3_gives_the_discount_it_was_made_for(open_shop: OpenShop) -> None:
    shop = open_shop("v3-checkout-errors")
    assert buy(shop, "mug", 2).json()["total_cents"] == 2250
    assert buy(shop, "coffee").json()["total_cents"] == 1226
    assert buy(shop, "tea-book").json()["total_cents"] == 1900


def test_v4_is_slow_for_one_request_of_twelve(open_shop: OpenShop) -> None:
    shop = open_shop("v4-slow-tail")
    total = visit(shop).total
    slow = REQUESTS // 12
    assert total.counts.bad == total.counts.refused == 0
    # Each of them really waits that long. A busy machine may slow others, too, but never half of them.
    assert slow <= total.counts.latency.over(399) < REQUESTS / 2
    assert total.counts.latency.p50_ms is not None
    assert total.counts.latency.p50_ms < 400
    metrics = shop.metrics()
    quick = metrics['shop_request_duration_seconds_bucket{le="0.4"}']
    assert slow <= metrics["shop_request_duration_seconds_count"] - quick < REQUESTS / 2


def test_v4_probes_are_no_part_of_it(open_shop: OpenShop) -> None:
    shop = open_shop("v4-slow-tail")
    connection = shop.connection()
    for _ in range(72):
        assert ask(connection, "GET", "/healthz/ready").status == 200
    connection.close()
    # Were probes audited, six of these would have waited 400 ms at least.
    assert shop.metrics()["shop_request_duration_seconds_sum"] < 2.4


def test_v5_passes_every_probe_and_serves_nobody(open_shop: OpenShop, database: Path) -> None:
    shop = open_shop("v5-no-database")
    for probe in ("startup", "live", "ready"):
        answer = shop.ask("GET", f"/healthz/{probe}")
        assert (answer.status, answer.json()) == (200, {"status": "ok"})
    assert shop.ask("GET", "/").status == 200

    total = visit(shop).total
    # No journey gets past its first request.
    assert total.counts.requests == total.counts.failed == CUSTOMERS
    assert total.steps.keys() == {"browse.catalogue", "buy.cart"}
    assert not database.exists()
    code, errors = shop.stop()
    assert code == 0
    assert errors.count("OperationalError: unable to open database file") == CUSTOMERS


def test_v6_answers_everyone_and_completes_no_order(open_shop: OpenShop, database: Path) -> None:
    shop = open_shop("v6-empty-orders")
    total = visit(shop).total
    assert total.counts.requests == REQUESTS
    assert total.counts.bad == total.counts.refused == 0
    assert total.steps["buy.checkout"].met == len(BUYERS)
    assert total.steps["buy.order"].unmet == total.journeys["buy"].unmet == len(BUYERS)
    assert buy(shop, "mug").json()["status"] == "accepted"
    metrics = shop.metrics()
    assert metrics["shop_checkouts_total"] == len(BUYERS) + 1
    assert metrics["shop_orders_completed_total"] == 0
    assert orders_in(database) == []


@pytest.mark.parametrize("version", BROKEN)
def test_every_broken_version_looks_well_at_first_sight(version: str, open_shop: OpenShop) -> None:
    shop = open_shop(version)
    for path in ("/healthz/startup", "/healthz/live", "/healthz/ready", "/", "/metrics"):
        answer = shop.ask("GET", path)
        assert (answer.status, answer.headers["x-shop-version"]) == (200, version)
    assert shop.stop() == (0, "")
