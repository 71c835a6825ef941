"""Run this version of the shop: `PORT=8081 SHOP_DATABASE=/var/lib/shop.db python main.py`."""

import sys

# An artifact never changes after it is built; compiled files would.
sys.dont_write_bytecode = True

from shop.serving import main  # noqa: E402
from shop.version import Shop  # noqa: E402

if __name__ == "__main__":
    sys.exit(main(Shop))
