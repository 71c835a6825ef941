"""Secrets are read where they are used, at the time they are used, and kept nowhere."""

import os
from pathlib import Path

from headgate.core.home.secrets import DECLARED
from headgate.core.model import SecretSource
from headgate.ports.errors import Permanent
from headgate.ports.keeper import Kept
from headgate.ports.redaction import KNOWN

SECRET_MAX_BYTES = 64 * 1024


def read_secret(source: SecretSource) -> str:
    """The secret itself: a file's content without the newline at its end, or an environment variable.

    From then on it is struck out of whatever this process writes (`ports.redaction`). Raises Permanent, naming the
    place and never the secret; also where its keeper does not let whoever names it (`ports.keeper`).
    """
    if isinstance(source, Kept):
        source = source.keeper.place(source)
    if source.kind == DECLARED:
        raise Permanent(
            f"the secret {source.name!r} cannot be looked for here: name its file or its variable"
        )
    secret = _from_file(source.name) if source.kind == "file" else _from_environment(source.name)
    KNOWN.learn(secret)
    return secret


def _from_environment(name: str) -> str:
    if name not in os.environ:
        raise Permanent(
            f"the environment variable {name}, which holds a secret, is not set where Headgate runs"
        )
    return os.environ[name]


def _from_file(name: str) -> str:
    try:
        with Path(name).open("rb") as file:
            content = file.read(SECRET_MAX_BYTES + 1)
    except OSError as error:
        raise Permanent(f"the file {name}, which holds a secret, cannot be read: {error.strerror}") from None
    if len(content) > SECRET_MAX_BYTES:
        raise Permanent(f"the file {name} is too large for a secret (over {SECRET_MAX_BYTES} bytes)")
    try:
        return content.decode().removesuffix("\n").removesuffix("\r")
    except UnicodeDecodeError:
        raise Permanent(f"the file {name}, which holds a secret, is not text in UTF-8") from None
