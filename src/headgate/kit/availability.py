"""The availability of a version in the store: asked by the gate before a release, and before going back."""

from collections.abc import Callable

from headgate.core.legality.barrier import missing
from headgate.core.model import Version
from headgate.ports.artifacts import Artifacts
from headgate.ports.errors import PortError


def lacking(store: Artifacts, version: Version) -> str:
    """Why `version` cannot be started; empty: it can. Every byte of its artifact is hashed again."""
    return missing(
        version,
        artifact=_trouble(lambda: store.verify(version.artifact)),
        configuration=_trouble(lambda: store.configuration(version.configuration)),
    )


def _trouble(ask: Callable[[], object]) -> str:
    try:
        ask()
    except PortError as error:
        return str(error)
    return ""
