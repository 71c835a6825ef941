"""The project file: text -> data with positions -> checked model -> the core's nouns.

`load` reads it and raises ConfigError with everything that is wrong, each problem with its place. `configuration`,
`intent` and `policies` turn what was read into what the core works with. Only this room knows PyYAML and pydantic.
"""

from headgate.config.check import notes
from headgate.config.compile import configuration, environment_of, intent, policies, service_of
from headgate.config.data_files import unshared
from headgate.config.detection import detect
from headgate.config.listening import listener_of
from headgate.config.load import load, load_text
from headgate.config.models import Environment, Project, Service
from headgate.config.problems import ConfigError, Problem, closest
from headgate.config.schema import json_schema

__all__ = [
    "ConfigError",
    "Environment",
    "Problem",
    "Project",
    "Service",
    "closest",
    "configuration",
    "detect",
    "environment_of",
    "intent",
    "json_schema",
    "listener_of",
    "load",
    "load_text",
    "notes",
    "policies",
    "service_of",
    "unshared",
]
