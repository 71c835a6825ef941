"""The name of a platform that is installed."""

from typing import Annotated

from pydantic import AfterValidator

from headgate.config.models.complaint import listed, shown, wrong
from headgate.config.models.value import Label
from headgate.config.problems import closest
from headgate.core.model import HOST


def _installed(name: str) -> str:
    """The name, where there is such a plugin. Raises what pydantic reports."""
    if name == HOST:
        return name
    # Reading the registry looks through everything that is installed: only files that name a platform pay for it.
    from headgate.ports.registry import names  # noqa: PLC0415

    known = names("platforms")
    if name not in known:
        near = closest(name, known)
        hint = f"did you mean `{near}`?" if near else "its plugin is installed where Headgate is"
        raise wrong(f"there is no platform {shown(name)}", listed(known), hint)
    return name


PlatformName = Annotated[Label, AfterValidator(_installed)]
