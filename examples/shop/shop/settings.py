"""What the environment says. A version runs anywhere that gives it these."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Settings:
    """PORT (0 picks a free one), SHOP_DATABASE (a file that all instances share), and what has a default."""

    port: int
    database: str
    name: str = "The Headgate shop"
    idle_s: float = 75.0
    grace_s: float = 0.3
    drain_s: float = 5.0
    database_wait_s: float = 5.0


def read_settings(environment: Mapping[str, str]) -> Settings:
    """Settings from the environment; raises `ValueError` that names every setting that is missing or wrong."""
    problems: list[str] = []

    def number(name: str, default: float | None, highest: float) -> float:
        text = environment.get(name)
        if text is None and default is not None:
            return default
        try:
            value = float(text or "")
        except ValueError:
            value = -1.0
        if not 0 <= value <= highest:
            problems.append(f"{name} must be a number from 0 to {highest:g}, not {text!r}")
        return value

    if not environment.get("SHOP_DATABASE"):
        problems.append("SHOP_DATABASE must be the path of the database file")
    settings = Settings(
        port=int(number("PORT", None, 65535)),
        database=environment.get("SHOP_DATABASE", ""),
        name=environment.get("SHOP_NAME", Settings.name),
        idle_s=number("SHOP_IDLE_S", Settings.idle_s, 3600),
        grace_s=number("SHOP_GRACE_S", Settings.grace_s, 60),
        drain_s=number("SHOP_DRAIN_S", Settings.drain_s, 60),
        database_wait_s=number("SHOP_DATABASE_WAIT_S", Settings.database_wait_s, 60),
    )
    if problems:
        raise ValueError("; ".join(problems))
    return settings
