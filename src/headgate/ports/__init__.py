"""What the core needs from the world: one Protocol of two to four methods per file.

Two kinds of failure cross these seams, as types: `Temporary` (try again, within bounds) and `Permanent` (do not).
"""

from headgate.ports.artifacts import Artifact, Artifacts, Provenance
from headgate.ports.errors import NotApplied, Permanent, PortError, Temporary
from headgate.ports.gate import Gate
from headgate.ports.signals import Signals
from headgate.ports.target import Instance, Ran, Target
from headgate.ports.traffic import Traffic

__all__ = [
    "Artifact",
    "Artifacts",
    "Gate",
    "Instance",
    "NotApplied",
    "Permanent",
    "PortError",
    "Provenance",
    "Ran",
    "Signals",
    "Target",
    "Temporary",
    "Traffic",
]
