"""v1: the shop as it was first released. For any other version, `build.py` puts its file in the place of this one."""

from shop.application import Application


class Shop(Application):
    """The good shop."""

    version = "v1"
