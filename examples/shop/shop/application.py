"""The shop: routes, and what each one answers. A version is a subclass that changes some of it."""

import html
import time
from collections.abc import Awaitable, Callable
from typing import Any

from shop.database import Database
from shop.message import RefusedError, Request, Response, as_json
from shop.metrics import CONTENT_TYPE, Metrics
from shop.orders import (
    QUANTITY_MAX,
    Order,
    add_line,
    find_order,
    list_items,
    new_id,
    now,
    place_order,
    read_lines,
)
from shop.payments import Payments
from shop.pricing import Line, total_cents
from shop.server import log
from shop.settings import Settings

Endpoint = Callable[[Request], Awaitable[Response]]


class Application:
    """The good shop. `handle` never raises."""

    version = "v1"

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.metrics = Metrics(self.version)
        self.database = Database(self.database_path(), settings.database_wait_s)
        self.payments = Payments()
        self.started = False
        self.stopping = False
        self._routes: dict[str, dict[str, Endpoint]] = {
            "/": {"GET": self.front_page},
            "/catalogue": {"GET": self.catalogue},
            "/cart": {"POST": self.add_to_cart},
            "/checkout": {"POST": self.checkout},
            "/orders/{id}": {"GET": self.order},
            "/healthz/startup": {"GET": self.startup},
            "/healthz/live": {"GET": self.live},
            "/healthz/ready": {"GET": self.ready},
            "/metrics": {"GET": self.show_metrics},
        }

    def database_path(self) -> str:
        """Where the orders are."""
        return self.settings.database

    async def start(self) -> None:
        """Get ready to serve; raises where the shop cannot."""
        await self.database.create_schema()
        self.started = True

    async def stop(self) -> None:
        """Let go of everything, after the last answer."""
        await self.database.close()

    async def handle(self, request: Request) -> Response:
        """The answer to any request: what an endpoint raises becomes a status, a log line and a count."""
        began = time.perf_counter()
        route, endpoint = self._find(request)
        try:
            response = await self.respond(endpoint, request)
        except RefusedError as refused:
            response = as_json({"error": refused.reason}, refused.status)
        except Exception as error:  # noqa: BLE001 - a bug in one endpoint is one answer
            log(f"ERROR {request.method} {route} 500 {type(error).__name__}: {error}")
            response = as_json({"error": "internal error"}, 500)
        # Unknown methods are one label: a stranger must not be able to grow the metrics.
        method = request.method if request.method in {"GET", "HEAD", "POST"} else "other"
        self.metrics.observe(method, route, response.status, time.perf_counter() - began)
        response.headers["x-shop-version"] = self.version
        return response

    async def respond(self, endpoint: Endpoint, request: Request) -> Response:
        """What goes around every endpoint: nothing, here."""
        return await endpoint(request)

    async def front_page(self, _request: Request) -> Response:
        """A page for people."""
        name = html.escape(self.settings.name)
        page = (
            f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{name}</title>'
            f'<h1>{name}</h1><p>Version {self.version}. <a href="/catalogue">Catalogue</a></p></html>'
        )
        return Response(200, page.encode(), "text/html; charset=utf-8")

    async def catalogue(self, _request: Request) -> Response:
        """All items."""
        return as_json({"items": await self.database.run(list_items)})

    async def add_to_cart(self, request: Request) -> Response:
        """{"item", "quantity", "cart"?} -> {"cart", "pieces"}; without a cart, a new one."""
        asked = request.json()
        sku = _text(asked, "item")
        cart = _text(asked, "cart") if "cart" in asked else new_id()
        quantity = asked.get("quantity", 1)
        if type(quantity) is not int or not 1 <= quantity <= QUANTITY_MAX:
            raise RefusedError(400, f"quantity must be a whole number from 1 to {QUANTITY_MAX}")
        pieces = await self.database.run(lambda connection: add_line(connection, cart, sku, quantity))
        self.metrics.count("shop_carts_total")
        return as_json({"cart": cart, "pieces": pieces}, 201)

    async def checkout(self, request: Request) -> Response:
        """{"cart"} -> {"order", "status": "completed", "total_cents"}."""
        cart = _text(request.json(), "cart")
        self.metrics.count("shop_checkouts_total")
        lines = await self.database.run(lambda connection: read_lines(connection, cart))
        total = self.price(lines)
        asked = Order(new_id(), cart, total, self.payments.authorise(total), "completed", now())
        order, new = await self.database.run(lambda connection: place_order(connection, asked))
        if new:
            self.metrics.count("shop_orders_completed_total")
            self.metrics.count("shop_order_value_cents_total", order.total_cents)
        return as_json({"order": order.id, "status": order.status, "total_cents": order.total_cents})

    def price(self, lines: list[Line]) -> int:
        """What the lines cost together, in cents."""
        return total_cents(lines)

    async def order(self, request: Request) -> Response:
        """One order."""
        asked = request.path.removeprefix("/orders/")
        found = await self.database.run(lambda connection: find_order(connection, asked))
        if found is None:
            raise RefusedError(404, f"there is no order {asked!r}")
        return as_json({"order": found.id, "status": found.status, "total_cents": found.total_cents})

    async def startup(self, _request: Request) -> Response:
        """Whether it has started."""
        return as_json({"status": "ok" if self.started else "starting"}, 200 if self.started else 503)

    async def live(self, _request: Request) -> Response:
        """Does it answer? It asks nothing of anybody: a restart cures no dependency."""
        return as_json({"status": "ok"})

    async def ready(self, _request: Request) -> Response:
        """Whether it can do its work: asks every dependency. 503 where one does not answer, or while it stops."""
        dependencies = {
            "database": await self._database_health(),
            "payments": {"status": self.payments.status()},
        }
        well = all(dependency["status"] == "ok" for dependency in dependencies.values())
        status = "stopping" if self.stopping else "ok" if well else "failed"
        return as_json({"status": status, "dependencies": dependencies}, 200 if status == "ok" else 503)

    async def show_metrics(self, _request: Request) -> Response:
        """Prometheus text."""
        return Response(200, self.metrics.render().encode(), CONTENT_TYPE)

    async def _database_health(self) -> dict[str, Any]:
        began = time.perf_counter()
        try:
            await self.database.run(
                lambda connection: connection.execute("SELECT 1 FROM items LIMIT 1").fetchone()
            )
        except Exception as error:  # noqa: BLE001 - whatever it is, the database does not answer
            return {"status": "failed", "error": f"{type(error).__name__}: {error}"}
        return {"status": "ok", "latency_ms": round((time.perf_counter() - began) * 1e3, 3)}

    def _find(self, request: Request) -> tuple[str, Endpoint]:
        route = "/orders/{id}" if request.path.startswith("/orders/") else request.path
        if route not in self._routes:
            return "unknown", _refuse(RefusedError(404, "there is no such page"))
        method = "GET" if request.method == "HEAD" else request.method
        endpoint = self._routes[route].get(method)
        return route, endpoint or _refuse(RefusedError(405, f"{route} does not take {request.method}"))


def _refuse(refused: RefusedError) -> Endpoint:
    async def endpoint(_request: Request) -> Response:
        raise refused

    return endpoint


def _text(asked: dict[str, Any], name: str) -> str:
    value = asked.get(name)
    if not isinstance(value, str) or not value or len(value) > 64:
        raise RefusedError(400, f"{name} must be text of 1 to 64 characters")
    return value
