"""The checked shape of a project file, one noun a file; `compile` turns it into the core's nouns."""

from headgate.config.models.criteria import Business, Criteria, ErrorRatioLimit, LatencyLimit
from headgate.config.models.probe import HttpAnswer, Probe, Probes
from headgate.config.models.process import Listen, Logs, Secret, Stop
from headgate.config.models.project import Environment, Project
from headgate.config.models.proxy import Proxy, Timeouts
from headgate.config.models.rollout import Matches, Rollout, Step, StickyBy
from headgate.config.models.section import Section
from headgate.config.models.service import Artifact, Service
from headgate.config.models.smoke import Journey, Request

__all__ = [
    "Artifact",
    "Business",
    "Criteria",
    "Environment",
    "ErrorRatioLimit",
    "HttpAnswer",
    "Journey",
    "LatencyLimit",
    "Listen",
    "Logs",
    "Matches",
    "Probe",
    "Probes",
    "Project",
    "Proxy",
    "Request",
    "Rollout",
    "Secret",
    "Section",
    "Service",
    "Step",
    "StickyBy",
    "Stop",
    "Timeouts",
]
