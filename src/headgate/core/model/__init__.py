"""The nouns of a release: immutable data, each with one meaning, none with behaviour that decides."""

from headgate.core.model.audience import Audience, Channel, Marker, QuietHours, Role
from headgate.core.model.change import Applied, Change, Command, ServiceChange
from headgate.core.model.configuration import (
    CommandCheck,
    Configuration,
    HttpCheck,
    JsonExpectation,
    LogRotation,
    Probe,
    Probes,
    SecretSource,
    SmokeTest,
    StopPolicy,
    TcpCheck,
)
from headgate.core.model.hook import Firing, Head, HookAction, Push, Scope, Severity, Vendor
from headgate.core.model.hours import Hours
from headgate.core.model.identity import Reach, Unit, Version
from headgate.core.model.intent import Intent, OneWay, Rollout, Stage, StrategyName
from headgate.core.model.placed import HOST, Placed
from headgate.core.model.proxy_rules import (
    PRIVATE,
    PathLimits,
    ProxyRules,
    TimeLimits,
    UpstreamProtocol,
)
from headgate.core.model.routing import Listener, Match, Routing, Sticky
from headgate.core.model.sample import Arm, Counts, Histogram, Mean, Sample
from headgate.core.model.source import Source
from headgate.core.model.verdict import Answer, Evidence, Finding, Verdict, VerdictKind, in_words, worst

__all__ = [
    "HOST",
    "PRIVATE",
    "Answer",
    "Applied",
    "Arm",
    "Audience",
    "Change",
    "Channel",
    "Command",
    "CommandCheck",
    "Configuration",
    "Counts",
    "Evidence",
    "Finding",
    "Firing",
    "Head",
    "Histogram",
    "HookAction",
    "Hours",
    "HttpCheck",
    "Intent",
    "JsonExpectation",
    "Listener",
    "LogRotation",
    "Marker",
    "Match",
    "Mean",
    "OneWay",
    "PathLimits",
    "Placed",
    "Probe",
    "Probes",
    "ProxyRules",
    "Push",
    "QuietHours",
    "Reach",
    "Role",
    "Rollout",
    "Routing",
    "Sample",
    "Scope",
    "SecretSource",
    "ServiceChange",
    "Severity",
    "SmokeTest",
    "Source",
    "Stage",
    "Sticky",
    "StopPolicy",
    "StrategyName",
    "TcpCheck",
    "TimeLimits",
    "Unit",
    "UpstreamProtocol",
    "Vendor",
    "Verdict",
    "VerdictKind",
    "Version",
    "in_words",
    "worst",
]
