"""v6: checkout answers at once, and orders are completed in the background. Broken: nothing completes them.

How it happened: the worker that empties the queue was to run from `after_start`, a hook that came with this
change. A review found that `Application` did not need one hook more and took the call out; this side was
merged as it was. So nobody runs the worker. Every answer is 200, faster than ever, and no order is ever
written. Only the business sees it: checkouts go up, completed orders do not.
"""

import asyncio

from shop.application import Application
from shop.message import RefusedError, Request, Response, as_json
from shop.orders import Order, new_id, now, place_order, read_lines
from shop.settings import Settings

QUEUE_MAX = 10_000


class Shop(Application):
    """Accepts an order first and completes it later."""

    version = "v6-empty-orders"

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        self._accepted: dict[str, str] = {}  # order -> cart, oldest first

    async def after_start(self) -> None:
        """Complete what was accepted, as long as the process lives."""
        while True:
            for order, cart in list(self._accepted.items()):
                await self._complete(order, cart)
                del self._accepted[order]
            await asyncio.sleep(0.05)

    async def checkout(self, request: Request) -> Response:
        """{"cart"} -> {"order", "status": "accepted"}."""
        cart = request.json().get("cart")
        if not isinstance(cart, str) or not cart:
            raise RefusedError(400, "cart must be text")
        self.metrics.count("shop_checkouts_total")
        order = new_id()
        if len(self._accepted) >= QUEUE_MAX:
            self._accepted.pop(next(iter(self._accepted)))
        self._accepted[order] = cart
        return as_json({"order": order, "status": "accepted"})

    async def order(self, request: Request) -> Response:
        """One order; one that is not written yet is on its way."""
        try:
            return await super().order(request)
        except RefusedError:
            return as_json({"order": request.path.removeprefix("/orders/"), "status": "accepted"})

    async def _complete(self, order: str, cart: str) -> None:
        lines = await self.database.run(lambda connection: read_lines(connection, cart))
        total = self.price(lines)
        placed = Order(order, cart, total, self.payments.authorise(total), "completed", now())
        await self.database.run(lambda connection: place_order(connection, placed))
        self.metrics.count("shop_orders_completed_total")
