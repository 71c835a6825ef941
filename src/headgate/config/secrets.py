"""From the file that declares secrets to the core's noun, or to all that is wrong with it."""

import os
import stat
from pathlib import Path

from headgate.config.checked import checked
from headgate.config.models.secrets import DeclaredSecret, DeclaredSecrets
from headgate.config.problems import ConfigError, Problem
from headgate.config.source import read
from headgate.core.home.secrets import Declaration, Declarations
from headgate.core.model import SecretSource

_EXAMPLE = (
    "`secrets: {prometheus-token: {file: /etc/headgate/prometheus, projects: [shop], used_by: [prom], "
    "to: [prometheus.example.com]}}`"
)
_WRITABLE = stat.S_IWGRP | stat.S_IWOTH


def load_secrets(path: Path) -> Declarations:
    """What the file at `path` declares; nothing where there is none. Raises ConfigError, also where others write it."""
    try:
        found = path.stat()
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise ConfigError([Problem(str(path), 0, 0, f"the file cannot be read: {error.strerror}")]) from None
    if found.st_uid not in (os.geteuid(), 0) or found.st_mode & _WRITABLE:
        what = (
            "others than the owner of the home may write this file, and so hand out every secret of the host"
        )
        hint = f"`chown {os.geteuid()} {path} && chmod 600 {path}`, once you know what it says"
        raise ConfigError([Problem(str(path), 0, 0, what, "a file of the home's owner alone", hint)])
    return secrets_in(read(path, "a file that declares secrets", _EXAMPLE), str(path))


def secrets_in(text: str, name: str) -> Declarations:
    """The same of a text; `name` is how errors call it. Raises ConfigError."""
    declared = checked(text, name, DeclaredSecrets, _EXAMPLE).secrets
    return {one: _declaration(secret) for one, secret in declared.items()}


def _declaration(secret: DeclaredSecret) -> Declaration:
    source = SecretSource("file", secret.file) if secret.file else SecretSource("env", secret.env or "")
    return Declaration(source, secret.projects, secret.used_by, secret.to)
