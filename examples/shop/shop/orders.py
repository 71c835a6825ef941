"""Carts and orders, as work for `Database.run`: each function is one transaction."""

import secrets
import sqlite3
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from shop.message import RefusedError
from shop.pricing import Line

LINES_MAX = 100
QUANTITY_MAX = 100


@dataclass(frozen=True, slots=True)
class Order:
    """A placed order. `placed_at` is UTC, ISO 8601."""

    id: str
    cart: str
    total_cents: int
    payment: str
    status: str
    placed_at: str


def new_id() -> str:
    """An id that no other process gives out: 16 hex digits."""
    return secrets.token_hex(8)


def now() -> str:
    """The time, UTC, ISO 8601."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")


def list_items(connection: sqlite3.Connection) -> list[dict[str, Any]]:
    """The catalogue, in the order of names."""
    rows = connection.execute("SELECT sku, name, price_cents FROM items ORDER BY name")
    return [{"sku": sku, "name": name, "price_cents": cents} for sku, name, cents in rows]


def add_line(connection: sqlite3.Connection, cart: str, sku: str, quantity: int) -> int:
    """Add to a cart; returns how many pieces are in it. Raises `RefusedError` for an unknown item or too much."""
    if connection.execute("SELECT 1 FROM items WHERE sku = ?", (sku,)).fetchone() is None:
        raise RefusedError(404, f"there is no item {sku!r}")
    connection.execute(
        "INSERT INTO cart_lines VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET quantity = quantity + excluded.quantity",
        (cart, sku, quantity),
    )
    counted = "SELECT COUNT(*), SUM(quantity), MAX(quantity) FROM cart_lines WHERE cart = ?"
    lines, pieces, most = connection.execute(counted, (cart,)).fetchone()
    if lines > LINES_MAX or most > QUANTITY_MAX:
        raise RefusedError(409, f"a cart has at most {LINES_MAX} lines of {QUANTITY_MAX} pieces")
    return int(pieces)


def read_lines(connection: sqlite3.Connection, cart: str) -> list[Line]:
    """What is in a cart; raises `RefusedError` (404) for one that nobody made."""
    rows = connection.execute(
        "SELECT sku, quantity, price_cents, tax_class FROM cart_lines JOIN items USING (sku) WHERE cart = ?",
        (cart,),
    ).fetchall()
    if not rows:
        raise RefusedError(404, f"there is no cart {cart!r}")
    return [Line(*row) for row in rows]


def place_order(connection: sqlite3.Connection, order: Order) -> tuple[Order, bool]:
    """Write an order. A cart becomes one order, however often it is sent: the second time gives the first order.

    Returns the order of the cart, and whether it is new.
    """
    row = (order.id, order.cart, order.total_cents, order.payment, order.status, order.placed_at)
    added = connection.execute("INSERT OR IGNORE INTO orders VALUES (?, ?, ?, ?, ?, ?)", row).rowcount
    found = connection.execute("SELECT * FROM orders WHERE cart = ?", (order.cart,)).fetchone()
    return Order(*found), added == 1


def find_order(connection: sqlite3.Connection, order: str) -> Order | None:
    """An order, or None."""
    row = connection.execute("SELECT * FROM orders WHERE id = ?", (order,)).fetchone()
    return Order(*row) if row else None
