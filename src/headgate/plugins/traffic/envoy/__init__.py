"""Envoy as the data plane: one proxy per home, run by a supervisor, configured by files that it watches.

`names` and the builders (`bootstrap`, `listeners`, `routes`, `clusters`, `endpoints`) are pure; `files` swaps what they
build, `delivery` and `confirmation` ask Envoy whether it has it, `arms` keeps the versions, `traffic` is the port.
"""

from headgate.plugins.traffic.envoy.admin import Admin, admin_socket
from headgate.plugins.traffic.envoy.bootstrap import Options
from headgate.plugins.traffic.envoy.names import cluster_name, unit_name
from headgate.plugins.traffic.envoy.traffic import EnvoyTraffic

__all__ = ["Admin", "EnvoyTraffic", "Options", "admin_socket", "cluster_name", "unit_name"]
