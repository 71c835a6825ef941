"""What every good version of the shop does."""

import sqlite3
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from headgate.lab.load.shop import ITEMS
from tests.examples.shops import GOOD, Artifact, OpenShop, Shop, ask, buy, orders_in


@pytest.mark.parametrize("version", GOOD)
def test_from_the_catalogue_to_an_order(version: str, open_shop: OpenShop, database: Path) -> None:
    shop = open_shop(version)
    items = {item["sku"]: item["price_cents"] for item in shop.ask("GET", "/catalogue").json()["items"]}
    assert sorted(items) == sorted(ITEMS)  # what the load generator buys

    cart = shop.ask("POST", "/cart", {"item": "mug", "quantity": 2}).json()["cart"]
    assert shop.ask("POST", "/cart", {"item": "teapot", "cart": cart}).json() == {"cart": cart, "pieces": 3}
    placed = shop.ask("POST", "/checkout", {"cart": cart})
    total = 2 * items["mug"] + items["teapot"]
    order = placed.json()["order"]
    assert placed.status == 200
    assert placed.json() == {"order": order, "status": "completed", "total_cents": total}
    assert shop.ask("GET", f"/orders/{order}").json() == placed.json()
    assert orders_in(database) == [(order, "completed", total)]

    metrics = shop.metrics()
    assert metrics["shop_carts_total"] == 2
    assert metrics["shop_checkouts_total"] == metrics["shop_orders_completed_total"] == 1
    assert metrics["shop_order_value_cents_total"] == total
    assert metrics['shop_requests_total{method="POST",route="/checkout",code="200"}'] == 1
    assert metrics[f'shop_build_info{{version="{version}"}}'] == 1
    assert metrics["shop_request_duration_seconds_count"] == 5


def test_a_cart_that_is_checked_out_twice_is_one_order(open_shop: OpenShop, database: Path) -> None:
    shop = open_shop()
    cart = shop.ask("POST", "/cart", {"item": "pan"}).json()["cart"]
    first, second = (shop.ask("POST", "/checkout", {"cart": cart}).json() for _ in range(2))
    assert first == second
    assert len(orders_in(database)) == 1
    assert shop.metrics()["shop_orders_completed_total"] == 1


def test_versions_share_carts_and_orders(open_shop: OpenShop) -> None:
    one, two = open_shop("v1"), open_shop("v2")
    cart = one.ask("POST", "/cart", {"item": "pan"}).json()["cart"]
    order = two.ask("POST", "/checkout", {"cart": cart}).json()["order"]
    found = one.ask("GET", f"/orders/{order}")
    assert (found.json()["status"], found.headers["x-shop-version"]) == ("completed", "v1")
    assert two.ask("GET", "/catalogue").headers["x-shop-version"] == "v2"


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("GET", "/nothing", None, 404),
        ("GET", "/orders/none", None, 404),
        ("DELETE", "/cart", None, 405),
        ("POST", "/cart", {"item": "unicorn"}, 404),
        ("POST", "/cart", {}, 400),
        ("POST", "/cart", {"item": "mug", "quantity": 0}, 400),
        ("POST", "/cart", {"item": "mug", "quantity": True}, 400),
        ("POST", "/cart", ["mug"], 400),
        ("POST", "/checkout", {"cart": "none"}, 404),
        ("POST", "/checkout", {}, 400),
    ],
)
def test_what_makes_no_sense_is_refused_and_the_connection_stays(
    method: str, path: str, body: object, status: int, open_shop: OpenShop
) -> None:
    connection = open_shop().connection()
    refused = ask(connection, method, path, body)
    assert refused.status == status
    assert refused.json()["error"]
    assert ask(connection, "GET", "/healthz/live").status == 200
    connection.close()


def test_a_refused_line_leaves_no_trace_in_the_cart(open_shop: OpenShop) -> None:
    shop = open_shop()
    cart = shop.ask("POST", "/cart", {"item": "mug", "quantity": 100}).json()["cart"]
    assert shop.ask("POST", "/cart", {"item": "mug", "quantity": 1, "cart": cart}).status == 409
    assert shop.ask("POST", "/checkout", {"cart": cart}).json()["total_cents"] == 100 * 1250


def test_the_page_and_its_name(open_shop: OpenShop) -> None:
    page = open_shop("v1", SHOP_NAME="Tea & <more>").ask("GET", "/")
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert b"<h1>Tea &amp; &lt;more&gt;</h1>" in page.body


def test_health_is_deep(open_shop: OpenShop, database: Path) -> None:
    shop = open_shop()
    assert shop.ask("GET", "/healthz/startup").json() == {"status": "ok"}
    assert shop.ask("GET", "/healthz/live").json() == {"status": "ok"}
    ready = shop.ask("GET", "/healthz/ready")
    health = ready.json()
    assert ready.status == 200
    assert health["dependencies"]["database"].pop("latency_ms") >= 0
    assert health == {
        "status": "ok",
        "dependencies": {"database": {"status": "ok"}, "payments": {"status": "ok"}},
    }

    connection = sqlite3.connect(database)
    connection.execute("DROP TABLE items")
    connection.commit()
    connection.close()
    ready = shop.ask("GET", "/healthz/ready")
    assert ready.status == 503
    assert ready.json()["status"] == ready.json()["dependencies"]["database"]["status"] == "failed"
    assert "no such table" in ready.json()["dependencies"]["database"]["error"]
    assert shop.ask("GET", "/healthz/live").status == 200  # a restart would not help


def test_many_that_start_at_once_share_a_new_database(artifact: Artifact, database: Path) -> None:
    # Popen returns before the process serves, so these eight really start together.
    environment = {"PORT": "0", "SHOP_DATABASE": str(database)}
    command = [sys.executable, str(artifact("v1") / "main.py")]
    processes = [
        subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        for _ in range(8)
    ]
    said = [process.stdout.readline() for process in processes if process.stdout is not None]
    for process in processes:
        process.terminate()
    ends = [process.communicate(timeout=30) for process in processes]
    assert [process.returncode for process in processes] == [0] * 8, ends
    assert all(line.startswith("shop v1 listens on http://127.0.0.1:") for line in said)


def test_a_start_waits_for_another_that_is_just_making_the_database(
    open_shop: OpenShop, database: Path
) -> None:
    # SQLite does not wait by itself here: to switch to WAL while another holds the write lock fails at once.
    other = sqlite3.connect(database, isolation_level=None, check_same_thread=False)
    other.execute("BEGIN IMMEDIATE")
    other.execute("CREATE TABLE theirs (x)")
    release = threading.Timer(0.7, other.execute, ["COMMIT"])
    release.start()
    assert buy(open_shop(), "mug").status == 200
    release.join()
    other.close()


def test_instances_that_write_at_once_lose_nothing(open_shop: OpenShop, database: Path) -> None:
    shops = [open_shop("v1") for _ in range(3)]
    orders = [buy(shop, "mug").json()["order"] for _ in range(10) for shop in shops]
    assert sorted(orders) == sorted(row[0] for row in orders_in(database))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"PORT": "http"}, "PORT must be a number from 0 to 65535, not 'http'"),
        ({"SHOP_DATABASE": ""}, "SHOP_DATABASE must be the path"),
        ({"PORT": "70000", "SHOP_IDLE_S": "-1"}, "SHOP_IDLE_S must be a number from 0 to 3600"),
    ],
)
def test_wrong_settings_end_the_start(settings: dict[str, str], message: str, open_shop: OpenShop) -> None:
    shop = open_shop("v1", **settings)
    code, errors = shop.wait()
    assert (code, shop.said) == (2, "")
    assert message in errors


def test_a_database_that_cannot_be_opened_ends_the_start(artifact: Artifact, tmp_path: Path) -> None:
    shop = Shop(artifact("v1"), tmp_path / "no-such-folder" / "shop.db")
    assert shop.wait() == (1, "shop: cannot start: unable to open database file\n")
