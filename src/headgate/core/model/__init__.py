"""The nouns of a release: immutable data, each with one meaning, none with behaviour that decides."""

from headgate.core.model.audience import Audience, Channel, Marker, QuietHours, Role
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
from headgate.core.model.finding import Answer, Finding, in_words, worst
from headgate.core.model.hook import Deed, Firing, Head, Push, Scope, Severity, Vendor
from headgate.core.model.identity import Unit, Version
from headgate.core.model.intent import Intent, Rollout, Stage, StrategyName
from headgate.core.model.placed import HOST, Placed
from headgate.core.model.plan import ConcurrencyPolicy, Leg, OnSilent, OnUnproven, Plan
from headgate.core.model.proxy_rules import (
    PRIVATE,
    PathLimits,
    ProxyRules,
    TimeLimits,
    UpstreamProtocol,
)
from headgate.core.model.reach import Reach
from headgate.core.model.routing import Listener, Match, Routing, Sticky
from headgate.core.model.sample import Arm, Counts, Histogram, Mean, Sample
from headgate.core.model.source import Source
from headgate.core.model.step import (
    Bake,
    Expose,
    Learn,
    Pause,
    Prepare,
    Promote,
    Shrink,
    Smoke,
    Step,
    step_name,
)
from headgate.core.model.verdict import Evidence, Verdict, VerdictKind

__all__ = [
    "HOST",
    "PRIVATE",
    "Answer",
    "Arm",
    "Audience",
    "Bake",
    "Channel",
    "CommandCheck",
    "ConcurrencyPolicy",
    "Configuration",
    "Counts",
    "Deed",
    "Evidence",
    "Expose",
    "Finding",
    "Firing",
    "Head",
    "Histogram",
    "HttpCheck",
    "Intent",
    "JsonExpectation",
    "Learn",
    "Leg",
    "Listener",
    "LogRotation",
    "Marker",
    "Match",
    "Mean",
    "OnSilent",
    "OnUnproven",
    "PathLimits",
    "Pause",
    "Placed",
    "Plan",
    "Prepare",
    "Probe",
    "Probes",
    "Promote",
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
    "Severity",
    "Shrink",
    "Smoke",
    "SmokeTest",
    "Source",
    "Stage",
    "Step",
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
    "step_name",
    "worst",
]
