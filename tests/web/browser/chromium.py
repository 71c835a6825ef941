"""Where a Chromium is on this machine: HEADGATE_CHROMIUM, else the first of the usual names on PATH."""

import os
import shutil
from pathlib import Path

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
ARGUMENTS = ["--no-sandbox"]
SNAP = b"/snap/bin/"
STUB_BYTES_MAX = 10_000
SAID = Path(__file__).parents[3] / ".tools" / "chromium" / "WHY"
"""Why set-up could not get one (requirements/chromium.sh)."""


def chromium() -> Path | None:
    """One that can be started; None: there is none. Ubuntu's `chromium-browser` that only asks for a snap is none."""
    given = os.environ.get("HEADGATE_CHROMIUM", "")
    if given:  # `no`: leave it out
        return Path(given) if Path(given).exists() else None
    found = (Path(path) for name in NAMES if (path := shutil.which(name)))
    return next((path for path in found if not is_stub(path)), None)


def is_stub(path: Path) -> bool:
    """Whether it is Ubuntu's script that starts, or asks for, a snap: a browser that cannot be driven from outside."""
    content = path.resolve()
    if content.name == "snap":
        return True
    if content.stat().st_size > STUB_BYTES_MAX:
        return False
    return SNAP in content.read_bytes()


def why() -> str:
    """Why there is none."""
    said = (
        SAID.read_text().strip()
        if SAID.exists()
        else "there is no Chromium (Debian: apt-get install chromium)"
    )
    return f"a browser is needed: {said}"
