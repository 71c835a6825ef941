"""The demo: a small shop, customers who buy in it, and releases of which most are bad.

Nothing is played: the shop's versions are real, and so are the proxy, the processes, the judge and the ledger.
"""

from headgate.cli.demo.stage import DemoOptions, run

__all__ = ["DemoOptions", "run"]
