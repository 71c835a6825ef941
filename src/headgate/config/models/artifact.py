"""What is released."""

from typing import ClassVar

from pydantic import Field

from headgate.config.models.section import Section
from headgate.config.models.value import Build, Inside


class Artifact(Section):
    """Built once, promoted unchanged through the environments."""

    SHORT: ClassVar[str] = "path"
    EXPECTED: ClassVar[str] = "a path, or a mapping with `path` and perhaps `build`"

    path: Inside = Field(description="The folder, wheel or archive (.zip, .tar, .tar.gz) to release.")
    build: Build = Field(
        default=(),
        description="The command that makes `path`, run beside the project file; none: it is there already.",
    )
