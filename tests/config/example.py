"""A small project file to be varied in tests."""

SERVICE = "    artifact: dist\n    run: python main.py --port {port}\n    listen: 8080\n"
HEAD = "headgate: 1\nproject: shop\n"


def project_text(*lines: str, after: str = "") -> str:
    """A file with the service `web`, `lines` of which are added to it, and `after` at the end."""
    more = "".join(f"    {line}\n" for line in lines)
    return f"{HEAD}services:\n  web:\n{SERVICE}{more}{after}"
