"""The secrets of hooks, kept as they are: a signature cannot be checked against a digest.

Each is a file in the home that only its owner can read. A secret whose digest is not the declared one counts as lost.
"""

import hashlib
import os
import secrets
from base64 import b64encode
from pathlib import Path
from typing import Protocol

from headgate.folders import private_folder

PREFIX = "whsec_"
KEY_BYTES = 32
_SECRET_MAX_BYTES = 1000


class Vault(Protocol):
    """Where secrets are kept. Names are those of hooks."""

    def put(self, name: str, secret: str) -> None:
        """Keep it, in the place of any other of this name. Raises OSError."""
        ...

    def get(self, name: str, digest: str) -> str:
        """The secret with this digest; empty when it is not there."""
        ...

    def drop(self, name: str) -> None:
        """Forget it. Absent is forgotten."""
        ...


class MemoryVault:
    """The twin in memory."""

    def __init__(self) -> None:
        self._kept: dict[str, str] = {}

    def put(self, name: str, secret: str) -> None:
        """See Vault."""
        self._kept[name] = secret

    def get(self, name: str, digest: str) -> str:
        """See Vault."""
        secret = self._kept.get(name, "")
        return secret if digest_of(secret) == digest else ""

    def drop(self, name: str) -> None:
        """See Vault."""
        self._kept.pop(name, None)


class FileVault:
    """A folder of files. What was read once is remembered, so that a known name costs what an unknown one does."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._read = MemoryVault()

    def put(self, name: str, secret: str) -> None:
        """See Vault."""
        private_folder(self._folder)
        new = self._folder / f".{name}.{os.getpid()}.new"
        descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(secret)
            file.flush()
            os.fsync(descriptor)
        new.replace(self._folder / name)
        self._read.put(name, secret)

    def get(self, name: str, digest: str) -> str:
        """See Vault."""
        known = self._read.get(name, digest)
        if known:
            return known
        try:
            with (self._folder / name).open() as file:
                secret = file.read(_SECRET_MAX_BYTES)
        except (OSError, UnicodeDecodeError):
            return ""
        self._read.put(name, secret)
        return self._read.get(name, digest)

    def drop(self, name: str) -> None:
        """See Vault."""
        self._read.drop(name)
        (self._folder / name).unlink(missing_ok=True)


def new_secret() -> str:
    """A secret of 256 bits, in the form that GitLab's signing tokens must have; every other vendor takes any text."""
    return PREFIX + b64encode(secrets.token_bytes(KEY_BYTES)).decode()


def digest_of(secret: str) -> str:
    """SHA-256 in hex: enough to keep a secret of 256 bits by."""
    return hashlib.sha256(secret.encode()).hexdigest()
