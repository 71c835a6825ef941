"""The target `local`: versions as processes on this host, under a supervisor that outlives us.

`target` is the port; `instances` says what runs, `launch` starts an instance, `keeper` keeps it well without a
controller, `probes`, `checks`, `deep_health` and `smoke` ask how it is. Nothing is imported here: the keeper starts
from this package and stays small.
"""
