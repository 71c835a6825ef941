"""Data as YAML that people read: keys in the order given, long expressions as blocks."""

from typing import Any

import yaml


class _Dumper(yaml.SafeDumper):
    """Indents lists below their key, and knows no anchors: what stands twice is written twice."""

    def ignore_aliases(self, data: object) -> bool:  # noqa: ARG002 - the library's
        return True

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:  # noqa: ARG002, FBT001, FBT002 - the library's
        super().increase_indent(flow, indentless=False)


def _text(_: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    return yaml.ScalarNode("tag:yaml.org,2002:str", text, style="|" if "\n" in text else None)


_Dumper.add_representer(str, _text)


def to_yaml(data: Any) -> str:  # noqa: ANN401 - JSON values
    """`data` (JSON values) as a YAML document."""
    return yaml.dump(data, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=100)
