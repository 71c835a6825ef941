"""The secrets that the owner of a home has declared."""

from pathlib import Path

from headgate.core.home.secrets import Declarations
from headgate.homes import secrets_of
from headgate.ports import Permanent
from headgate.ports.keeper import Keeper


def declared_at(home: Path) -> Declarations:
    """What the home's file declares now. Raises Permanent with all that is wrong with it."""
    if not secrets_of(home).exists():
        return {}
    from headgate.config.problems import ConfigError
    from headgate.config.secrets import load_secrets

    try:
        return load_secrets(secrets_of(home))
    except ConfigError as error:
        raise Permanent("; ".join(map(str, error.problems))) from None


def keeper_at(home: Path) -> Keeper:
    """Whoever asks it gets what the home's owner has declared for them."""
    return Keeper(lambda: declared_at(home))
