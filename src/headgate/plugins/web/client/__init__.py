"""The web over HTTP."""

from headgate.plugins.web.client.client import HttpWeb
from headgate.plugins.web.client.limits import Limits

__all__ = ["HttpWeb", "Limits"]
