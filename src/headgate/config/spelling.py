"""What a plain word of YAML means: the core schema of YAML 1.2, and nothing that older readers made up.

`yes`, `no`, `on` and `off` are words; `1:30` and `1_000` are words; so is `0644`, which YAML 1.1 reads as 420 and
YAML 1.2 as 644; so are dates, `.inf` and `.nan`, for which a project file has no use.
"""

import re

from headgate.config.tree import Value

_WORDS: dict[str, Value] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
_DIGITS_MAX = 18  # a whole number fits in 64 bits
_INTEGER = re.compile(r"[-+]?(?:0|[1-9][0-9]*)")
_RADIX = re.compile(r"0o[0-7]+|0x[0-9a-fA-F]+")
_REAL = re.compile(r"[-+]?(?:\.[0-9]+|(?:0|[1-9][0-9]*)(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]{1,2})?")


def meaning(text: str) -> Value:
    """The value of an unquoted scalar."""
    if text in _WORDS:
        return _WORDS[text]
    if len(text) > _DIGITS_MAX:
        return text
    if _INTEGER.fullmatch(text):
        return int(text)
    if _RADIX.fullmatch(text):
        return int(text, 0)
    return float(text) if _REAL.fullmatch(text) else text
