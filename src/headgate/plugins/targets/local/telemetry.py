"""What an instance's telemetry is to say of itself, as variables that every OpenTelemetry SDK reads.

They are no part of the configuration: the same version has them anew in each release that starts it.

Source: OpenTelemetry specification, "Resource SDK: specifying resource information via an environment variable" (pairs
as in W3C Baggage, percent-encoded) and "General SDK configuration" (OTEL_SERVICE_NAME goes first); semantic conventions
`service`, `deployment`, `vcs`.
"""

from collections.abc import Mapping
from urllib.parse import quote

from headgate.core.model import Version

SERVICE_NAME = "OTEL_SERVICE_NAME"
ATTRIBUTES = "OTEL_RESOURCE_ATTRIBUTES"
_AS_IT_IS = "!#$&'()*+-./:<>?@[]^_`{|}~"
"""Of W3C Baggage's octets, those that need no percent sign: `,`, `;`, `=`, `%`, quotes and blanks do."""


def attributes(version: Version, release: str, commit: str, instance: str) -> dict[str, str]:
    """What is known of an instance of `version` that `release` started; what is not known is left out."""
    found = {
        "service.name": version.unit.service,
        "service.version": version.key,
        "service.instance.id": instance,
        "deployment.environment.name": version.unit.environment,
        "deployment.id": release,
        "vcs.ref.head.revision": commit,
    }
    return {name: value for name, value in found.items() if value}


def variables(known: Mapping[str, str], env: Mapping[str, str]) -> dict[str, str]:
    """The variables, with what the user said in `env`: their attributes and their name stay as they wrote them."""
    theirs = [pair.strip() for pair in env.get(ATTRIBUTES, "").split(",") if pair.strip()]
    said = {name.strip(): value.strip() for name, _, value in (pair.partition("=") for pair in theirs)}
    ours = [f"{name}={quote(value, safe=_AS_IT_IS)}" for name, value in known.items() if name not in said]
    named = {} if "service.name" in said else {SERVICE_NAME: known["service.name"]}
    if SERVICE_NAME in env:
        named = {SERVICE_NAME: env[SERVICE_NAME]}
    return named | {ATTRIBUTES: ",".join(ours + theirs)}
