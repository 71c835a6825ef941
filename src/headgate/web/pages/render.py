"""Templates to answers, each with the headers that keep a page what it is."""

import hashlib
import re
from collections.abc import Mapping
from functools import cache, lru_cache
from importlib.resources import files
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape
from starlette.responses import HTMLResponse

from headgate.core.model.foreign import JOINERS, unseen
from headgate.web.pages import words
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
    "own_verdict",
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
        finalize=shown,
    )
    # jinja2 leaves the types of both open
    found.filters |= {name: getattr(words, name) for name in FILTERS}  # pyright: ignore[reportUnknownMemberType]
    found.filters |= {"breakable": breakable, "plain": plain}  # pyright: ignore[reportUnknownMemberType]
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


# Text of others in HTML: the one place that decides what of it a reader sees.
#
# Every `{{ … }}` of every template is passed through `shown`, by the templates' own `finalize`: nobody has to think of
# it.
#
# * What cannot be seen, or changes how the rest is read (control characters, bidirectional overrides, lone surrogates),
#   is written out: `⟨U+202E⟩`.
# * A word too long for a column may be broken where it has a separator, else every so many letters (`<wbr>`). No other
#   word is ever broken inside.
# * In an attribute, or where no element may stand, `plain` says the same without breaks.

WORD_MAX = 24
"""A longer word may be broken."""

PIECE = 12
"""Where nothing in it separates, every so many letters."""

_LAID_OUT = "\n\t"
_LONG = re.compile(rf"\S{{{WORD_MAX + 1},}}")
_PARTS = re.compile(r"[^_./:@=,&?-]*[_./:@=,&?-]+|[^_./:@=,&?-]+")
_NAMES = re.compile(r"[^_./]*[_./]+|[^_./]+")


def shown(value: object) -> object:
    """`value` as an element's text has it. Markup, and what is no text, stays what it is."""
    if not isinstance(value, str) or isinstance(value, Markup):
        return value
    return _shown(value)


def plain(value: object) -> Markup:
    """`value` as text for an attribute, a title, or wherever else no element may stand."""
    return value if isinstance(value, Markup) else escape(visible(str(value)))


def breakable(text: str) -> Markup:
    """A name that may be broken after its underscores, dots and slashes; elsewhere only where a part is too long."""
    return Markup("").join(_separated(part) for part in _NAMES.findall(visible(text)))


def visible(text: str) -> str:
    """`text` with everything written out that cannot be seen."""
    if text.isprintable():
        return text
    return "".join(letter if _seen(letter) else f"\u27e8U+{ord(letter):04X}\u27e9" for letter in text)


def _seen(letter: str) -> bool:
    return letter in _LAID_OUT or letter in JOINERS or not unseen(letter)


@lru_cache(maxsize=1024)
def _shown(text: str) -> Markup | str:
    seen = visible(text)
    if len(seen) <= WORD_MAX or not _LONG.search(seen):
        return seen
    found, at = [Markup("")], 0
    for word in _LONG.finditer(seen):
        found += [escape(seen[at : word.start()]), _broken(word[0])]
        at = word.end()
    return Markup("").join([*found, escape(seen[at:])])


def _broken(word: str) -> Markup:
    return Markup("<wbr>").join(_pieces(part) for part in _PARTS.findall(word))


def _separated(part: str) -> Markup:
    return Markup("{}<wbr>").format(_pieces(part)) if part[-1] in "_./" else _pieces(part)


def _pieces(part: str) -> Markup:
    if len(part) <= WORD_MAX:
        return escape(part)
    return Markup("<wbr>").join(escape(part[at : at + PIECE]) for at in range(0, len(part), PIECE))
