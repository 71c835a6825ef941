"""The one name a unit or a version has everywhere in Envoy: resource, file and statistics."""

import hashlib
import re

from headgate.core.model import Unit, Version

_READABLE_MAX = 60


def unit_name(unit: Unit) -> str:
    """A unit's listener, routes, file and statistics: readable, free of dots, different for different units."""
    readable = re.sub(r"[^A-Za-z0-9_-]+", "_", f"{unit.project}_{unit.environment}_{unit.service}")
    return f"{readable[:_READABLE_MAX]}-{hashlib.sha256(str(unit).encode()).hexdigest()[:8]}"


def cluster_name(version: Version) -> str:
    """A version's cluster, endpoints, file and statistics."""
    return f"{unit_name(version.unit)}-{version.key}"


def preview_name(unit: Unit) -> str:
    """The listener of a unit's preview port."""
    return f"{unit_name(unit)}-preview"
