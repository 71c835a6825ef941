"""What Envoy is started with: where its files lie, how it measures, how much it may use. A pure builder."""

import math
from typing import Any

import msgspec

LATENCY_LE_MS = (
    0.5, 1.0, 2.5, 5.0, 10.0, 25.0, 50.0, 75.0, 100.0, 150.0, 250.0, 350.0, 500.0, 750.0,
    1000.0, 1500.0, 2500.0, 5000.0, 10000.0,
)  # fmt: skip
"""The upper bounds of the latency histogram, in milliseconds."""

EVERYTHING_MS = 1e9
"""A bound no request exceeds: its bucket counts all observations, so that the total is known."""

HEADERS_MAX = 1000
"""How many headers a request or an answer may have; their size is a unit's own."""

_KIB = 1024
_CLIENTS = "envoy.extensions.resource_monitors.downstream_connections.v3.DownstreamConnectionsConfig"


class Options(msgspec.Struct, frozen=True):
    """How the proxy is run. Changing one takes a restart of Envoy; what is a unit's own is in its `ProxyRules`.

    `concurrency` is the number of worker threads. `connections_max` bounds what one version is given at once,
    `clients_max` the connections of clients: more are refused.
    """

    concurrency: int = 2
    connect_timeout_s: float = 1.0
    connections_max: int = 10_000
    clients_max: int = 20_000
    log_level: str = "warning"


def seconds(value: float) -> str:
    """A protobuf duration as JSON has it."""
    return f"{value:.3f}s"


def limit(value: float | None) -> str:
    """The same of a limit: Envoy has 0 for none."""
    return seconds(0.0 if value is None else value)


def kib(size_bytes: int) -> int:
    """A size as Envoy has it."""
    return math.ceil(size_bytes / _KIB)


def file_source(path: str) -> dict[str, Any]:
    """A resource in a file that Envoy reads again when another file is moved over it.

    Without `watched_directory`: with it Envoy reads every file of a folder again whenever one of them is moved.
    """
    return {"path_config_source": {"path": path}, "resource_api_version": "V3"}


def bootstrap(*, folder: str, admin_socket: str, options: Options) -> dict[str, Any]:
    """The bootstrap of the Envoy whose files lie in `folder`; `admin_socket` as seen from there: it must be short."""
    return {
        "node": {"id": "headgate", "cluster": "headgate"},
        "admin": {
            "address": {"pipe": {"path": admin_socket, "mode": 0o600}},
            "ignore_global_conn_limit": True,
        },
        "dynamic_resources": {
            "lds_config": file_source(f"{folder}/lds.json"),
            "cds_config": file_source(f"{folder}/cds.json"),
        },
        # What the admin interface sets here goes at once: the second way to take users off a canary (see routes).
        "layered_runtime": {"layers": [{"name": "admin", "admin_layer": {}}]},
        "overload_manager": {
            "resource_monitors": [
                {
                    "name": "envoy.resource_monitors.global_downstream_max_connections",
                    "typed_config": {
                        "@type": f"type.googleapis.com/{_CLIENTS}",
                        "max_active_downstream_connections": options.clients_max,
                    },
                }
            ]
        },
        # A reading merges the histograms of the worker threads first, so that nobody waits for a timer.
        "stats_flush_on_admin": True,
        "stats_config": {
            "histogram_bucket_settings": [
                {"match": {"suffix": ".upstream_rq_time"}, "buckets": [*LATENCY_LE_MS, EVERYTHING_MS]}
            ]
        },
    }
