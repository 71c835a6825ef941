"""Go and Rust: a binary to be built and released."""

import re
import tomllib
from pathlib import Path
from typing import cast

from headgate.config.detection.found import Found, text_of
from headgate.ports.errors import UNREADABLE

_NOTE = "The server must listen on the port in the variable PORT, or be given {port}."


def look(folder: Path) -> Found | None:
    """How the binary of this folder is built and started; None when it is neither Go nor Rust."""
    module = re.search(r"^module\s+(\S+)", text_of(folder / "go.mod"), re.MULTILINE)
    if module:
        name = re.sub(r"[^\w.-]", "", re.sub(r"/v\d+$", "", module[1]).rsplit("/", 1)[-1]) or "server"
        build = f"go build -o dist/{name} ."
        return Found("go.mod", (f"./{name}",), path="dist", build=build, port=8080, notes=(_NOTE,))
    try:
        cargo = tomllib.loads(text_of(folder / "Cargo.toml"))
    except UNREADABLE:
        return None
    package = cargo.get("package")
    binary = cast("dict[str, object]", package).get("name") if isinstance(package, dict) else None
    if not isinstance(binary, str) or not re.fullmatch(r"[\w-]+", binary):
        return None
    build = f"cargo install --path . --root dist --bin {binary} --no-track"
    return Found("Cargo.toml", (f"./bin/{binary}",), path="dist", build=build, port=8080, notes=(_NOTE,))
