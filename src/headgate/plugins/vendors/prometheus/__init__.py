"""Signals from Prometheus, and from whatever speaks its query API: VictoriaMetrics, Thanos, Mimir, Cortex."""

from headgate.plugins.vendors.prometheus.settings import Settings
from headgate.plugins.vendors.prometheus.source import PrometheusSignals, create

__all__ = ["PrometheusSignals", "Settings", "create"]
