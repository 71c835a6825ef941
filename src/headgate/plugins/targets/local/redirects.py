"""Redirects that lead back to what was asked: whoever follows them comes back for ever, so they are no answer. Pure.

An application behind a proxy that ends TLS is asked without it, and often sends everybody to HTTPS; to itself, that is,
unless it is told (`X-Forwarded-Proto`) that its client is there already. Such a redirect is well within 200 to 399, and
says nothing of how the application is.
"""

from collections.abc import Mapping
from urllib.parse import SplitResult, urljoin, urlsplit

REDIRECTS = frozenset({301, 302, 303, 307, 308})
KEEP_METHOD = frozenset({307, 308})
_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
_TOLD = "x-forwarded-proto"


def objection(
    method: str, path: str, headers: Mapping[str, str], host: str, status: int, location: str
) -> str:
    """Why a redirect is no answer to the request (sent to `host` without TLS); empty: it leads somewhere else.

    After another method than GET, a redirect to the same place is a new request (303 and its like), and no loop.
    """
    if status not in REDIRECTS or not location:
        return ""
    sent = {name.lower(): value for name, value in headers.items()}
    asked = urlsplit(f"http://{sent.get('host', host)}{path}")
    try:
        leads = urlsplit(urljoin(asked.geturl(), location))
        same_place = _place(leads) == _place(asked)
    except ValueError:
        return ""
    if not same_place:
        return ""
    where = f"{status} to {location[:200]}"
    if leads.scheme == "https":
        if sent.get(_TOLD, "").lower() == "https":
            return f"it redirects to itself ({where}) although `{_TOLD}: https` was sent: does it trust that header?"
        return (
            f"it sends everybody to HTTPS ({where}), which never ends behind a proxy that ends TLS: say that the "
            f"client is there already, by `headers: {{{_TOLD}: https}}`"
        )
    if method not in _SAFE and status not in KEEP_METHOD:
        return ""
    if leads.netloc.lower() == asked.netloc.lower():
        return f"it redirects to itself ({where}), for ever"
    return f"it answers for another host only ({where}): ask for that one, by `headers: {{host: {leads.netloc[:100]}}}`"


def _place(url: SplitResult) -> tuple[str, str]:
    return url.path or "/", url.query
