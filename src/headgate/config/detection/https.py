"""Applications that force HTTPS by a setting of their own: whoever probes them without TLS is redirected for ever."""

import re
from pathlib import Path

from headgate.config.detection.found import files_below, text_of

HEADER = "x-forwarded-proto"
_KINDS = (
    ("Rails", "config/environments/production.rb", r"^[ \t]*+config\.force_ssl[ \t]*+=[ \t]*+true"),
    ("Django", "**/settings*.py", r"^[ \t]*+SECURE_SSL_REDIRECT[ \t]*+=[ \t]*+(?!False|None|0\b)\S"),
    ("Django", "**/settings/*.py", r"^[ \t]*+SECURE_SSL_REDIRECT[ \t]*+=[ \t]*+(?!False|None|0\b)\S"),
)
_DJANGO_TRUSTS = "It must trust the header, too: SECURE_PROXY_SSL_HEADER."


def look(folder: Path) -> tuple[str, ...]:
    """One sentence about the setting that forces HTTPS; none where there is none."""
    for kind, pattern, setting in _KINDS:
        for file in files_below(folder, pattern):
            text = text_of(file)
            if found := re.search(setting, text, re.MULTILINE):
                what = found[0].strip().partition("=")[0].strip()
                trust = (
                    f" {_DJANGO_TRUSTS}" if kind == "Django" and "SECURE_PROXY_SSL_HEADER" not in text else ""
                )
                place = file.relative_to(folder)
                said = (
                    f"{kind} forces HTTPS ({what} in {place}): probes and smoke tests say `{HEADER}: https`"
                )
                return (f"{said}, as the proxy in front that ends TLS must.{trust}",)
    return ()
