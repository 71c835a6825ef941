"""A Procfile: `web: command`."""

import re
import shlex
from pathlib import Path

from headgate.config.detection.found import Found, text_of, with_port


def look(folder: Path) -> Found | None:
    """The command of the process `web`; None without one."""
    web = re.search(r"^web:[ \t]*+(\S.*)$", text_of(folder / "Procfile"), re.MULTILINE)
    if not web:
        return None
    words = shell_words(web[1].rstrip())
    return Found("Procfile: web", with_port(words)) if words else None


def shell_words(command: str) -> list[str]:
    """The words of a command, or `sh -c` with it when it needs a shell; empty when it cannot be read."""
    try:
        words = shlex.split(command)
    except ValueError:
        return []
    plain = re.sub(r"\$\{?PORT(:-\d+)?\}?", "", command)
    return ["sh", "-c", command] if re.search(r"[|&;<>$`]", plain) else words
