"""Business signals from the services' own metrics endpoints: `exposition` reads the format, `source` is the port."""

from headgate.plugins.signals.scrape.source import VERSIONS_MAX, Business, ScrapeSignals

__all__ = ["VERSIONS_MAX", "Business", "ScrapeSignals"]
