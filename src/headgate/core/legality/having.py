"""Whether a version can be had: its artifact and its configuration are there, so that it can be started."""

from headgate.core.model import Version


def missing(version: Version, *, artifact: str, configuration: str) -> str:
    """Why `version` cannot be started; empty: it can.

    `artifact` and `configuration` say what is wrong with each of them; empty: it is there and whole.
    """
    if artifact:
        return f"the artifact {version.artifact[:12]} cannot be had: {artifact}"
    if configuration:
        return f"the configuration {version.configuration[:8]} cannot be had: {configuration}"
    return ""
