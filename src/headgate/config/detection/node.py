"""A Node project: package.json says how it starts."""

import json
from pathlib import Path
from typing import cast

from headgate.config.detection.found import Found, text_of
from headgate.ports.errors import UNREADABLE


def look(folder: Path) -> Found | None:
    """How this Node project starts; None when it is none."""
    try:
        data: object = json.loads(text_of(folder / "package.json"))
    except UNREADABLE:
        return None
    if not isinstance(data, dict):
        return None
    package = cast("dict[str, object]", data)
    scripts = package.get("scripts")
    names = cast("dict[str, object]", scripts) if isinstance(scripts, dict) else {}
    note = "The server must listen on the port in the variable PORT (process.env.PORT)."
    build = "npm run build" if isinstance(names.get("build"), str) else ""
    if isinstance(names.get("start"), str):
        return Found(
            "package.json: the script start", ("npm", "start"), build=build, port=3000, notes=(note,)
        )
    main = package.get("main")
    main = main if isinstance(main, str) and (folder / main).is_file() else None
    for name in (main, "server.js", "index.js", "app.js"):
        if name and (folder / name).is_file():
            return Found(f"package.json: {name}", ("node", name), build=build, port=3000, notes=(note,))
    return None
