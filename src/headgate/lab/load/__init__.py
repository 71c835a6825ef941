"""Customers to try a release with: a bounded, open-loop load generator for loopback addresses.

Imports nothing of the project. `load` says what to send, `run` sends it, `results` says what came of it. On
its own: `python -m headgate.lab.load --help`.
"""

from headgate.lab.load.address import NotLoopbackError
from headgate.lab.load.journey import Choice, Journey, Step
from headgate.lab.load.load import Load
from headgate.lab.load.results import Counts, JourneyCounts, Latency, Results, StepCounts, Window
from headgate.lab.load.runner import run
from headgate.lab.load.shop import SHOP

__all__ = [
    "SHOP",
    "Choice",
    "Counts",
    "Journey",
    "JourneyCounts",
    "Latency",
    "Load",
    "NotLoopbackError",
    "Results",
    "Step",
    "StepCounts",
    "Window",
    "run",
]
