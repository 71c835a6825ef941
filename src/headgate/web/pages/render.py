"""Templates to answers, each with the headers that keep a page what it is."""

import hashlib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.responses import HTMLResponse

from headgate.web.pages import foreign, words
from headgate.web.pages.shown import told

HERE = Path(str(files("headgate.web.pages")))
STATIC = HERE / "static"
FILTERS = (
    "ago",
    "between",
    "duration",
    "fold",
    "lasting",
    "moment",
    "named",
    "odds",
    "outcome",
    "standing",
)
ASSETS = ("htmx.min.js", "uPlot.iife.min.js", "uPlot.min.css")

HEADERS: Mapping[str, str] = {
    # Nothing but our own files, no inline script or style: what a page shows cannot become what it does.
    "content-security-policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
        "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "x-content-type-options": "nosniff",
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=()",
    "cache-control": "no-store",
}


@cache
def _templates() -> Environment:
    found = Environment(
        loader=FileSystemLoader(HERE / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=foreign.shown,
    )
    # jinja2 leaves the types of both open
    found.filters |= {name: getattr(words, name) for name in FILTERS}  # pyright: ignore[reportUnknownMemberType]
    found.filters |= {"breakable": foreign.breakable, "plain": foreign.plain}  # pyright: ignore[reportUnknownMemberType]
    found.globals |= {"weighed": words.weighed, "told": told}  # pyright: ignore[reportUnknownMemberType]
    return found


@cache
def build() -> str:
    """Names what our own files are. It is in their addresses: a browser never runs an older script on a newer page."""
    digest = hashlib.sha256()
    for file in sorted(file for file in STATIC.rglob("*") if file.is_file()):
        digest.update(file.relative_to(STATIC).as_posix().encode() + b"\0" + file.read_bytes())
    return digest.hexdigest()[:12]


@cache
def assets() -> bool:
    """Whether the scripts were fetched at set-up (requirements/assets.lock)."""
    return all((STATIC / "vendor" / name).exists() for name in ASSETS)


def page(template: str, values: Mapping[str, object], status: int = 200) -> HTMLResponse:
    """The answer that a template makes of `values`."""
    html = _templates().get_template(template).render(assets=assets(), build=build(), **values)
    return HTMLResponse(html, status, headers=HEADERS)
