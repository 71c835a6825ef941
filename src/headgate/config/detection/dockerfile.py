"""A Dockerfile: what it starts, the port it exposes, its health check."""

import json
import re
from pathlib import Path
from typing import cast

from headgate.config.detection.found import Found, text_of, with_port
from headgate.config.detection.procfile import shell_words
from headgate.ports.errors import UNREADABLE

_INSTRUCTION = re.compile(
    r"^[ \t]*+(CMD|ENTRYPOINT|EXPOSE|HEALTHCHECK)[ \t]++(.+)$", re.IGNORECASE | re.MULTILINE
)
_PORT_MAX = 65535


def look(folder: Path) -> Found | None:
    """What the last stage of the Dockerfile runs; None without a Dockerfile."""
    text = text_of(folder / "Dockerfile").replace("\\\n", " ")
    if not text:
        return None
    last = {found[1].upper(): found[2].strip() for found in _INSTRUCTION.finditer(_last_stage(text))}
    port = re.match(r"(\d{1,5})(?!\d)", last.get("EXPOSE", ""))
    entry, command = _words(last.get("ENTRYPOINT", "")), _words(last.get("CMD", ""))
    number = int(port[1]) if port and 0 < int(port[1]) <= _PORT_MAX else None
    words = with_port([*entry, *command])
    if number is not None:
        words = tuple(re.sub(rf"(?<!\d){number}(?!\d)", "{port}", word) for word in words)
        words = tuple(word.replace("0.0.0.0", "127.0.0.1") for word in words)  # noqa: S104 - taken out, not bound
    health = re.search(r"https?://[^/\s\"']+(/[^\s\"'|&;)]*)", last.get("HEALTHCHECK", ""))
    probes = {"readiness": health[1]} if health else {}
    note = "The Dockerfile's image is not used: the command runs on the host, with what is installed there."
    return Found("Dockerfile", words, port=number, probes=probes, notes=(note,))


def _last_stage(text: str) -> str:
    return re.split(r"(?im)^[ \t]*+FROM\s", text)[-1]


def _words(instruction: str) -> list[str]:
    """Both forms: a JSON list, or a line for the shell."""
    if instruction.startswith("["):
        try:
            words: object = json.loads(instruction)
        except UNREADABLE:
            return []
        found = cast("list[object]", words) if isinstance(words, list) else []
        return [word for word in found if isinstance(word, str)]
    return shell_words(instruction)
