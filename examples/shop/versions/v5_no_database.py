"""v5: tidier settings. Broken: it never reaches its database, and says that it is well.

How it happened: three changes that each looked right. The setting was renamed to SHOP_DATABASE_FILE, with a
default that suits the new base image, and production still sets SHOP_DATABASE. The schema became a job of its
own, so a start no longer opens the database. And readiness had flapped in a busy week, so it was made shallow
"for now". Every probe passes; every request that needs the database fails.
"""

import os

from shop.application import Application
from shop.message import Request, Response, as_json

DEFAULT_FILE = "/var/lib/headgate-shop/data/shop.sqlite"


class Shop(Application):
    """Opens its database when it is first needed."""

    version = "v5-no-database"

    def database_path(self) -> str:
        """Where the orders are, by the new name of the setting."""
        return os.environ.get("SHOP_DATABASE_FILE", DEFAULT_FILE)

    async def start(self) -> None:
        """Nothing to wait for: the schema is made by its own job now."""
        self.started = True

    async def ready(self, _request: Request) -> Response:
        """It runs, so it is ready."""
        return as_json({"status": "stopping" if self.stopping else "ok"}, 503 if self.stopping else 200)
