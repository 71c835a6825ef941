"""A Python project: its framework, its scripts, its main module."""

import re
import tomllib
from pathlib import Path
from typing import cast

from headgate.config.detection.found import Found, files_below, text_of
from headgate.ports.errors import UNREADABLE

_SKIP = {".venv", "venv", "node_modules", "tests", "test", "docs", "build", "dist", ".git"}
_ASGI = re.compile(r"^(\w+)\s*(?::[^=\n]+)?=\s*(?:\w+\.)?(FastAPI|Starlette|Quart|Litestar)\(", re.MULTILINE)
_WSGI = re.compile(r"^(\w+)\s*(?::[^=\n]+)?=\s*(?:\w+\.)?(Flask|Bottle|Falcon)\(", re.MULTILINE)
_MAINS = ("main.py", "app.py", "server.py", "run.py")


def look(folder: Path) -> Found | None:
    """How this Python project starts; None when it is none."""
    marks = ("pyproject.toml", "requirements.txt", "setup.py", "Pipfile", "manage.py")
    sources = _sources(folder)
    if not any((folder / mark).is_file() for mark in marks) and not any(
        (folder / main).is_file() for main in _MAINS
    ):
        return None
    return _django(folder) or _framework(folder, sources) or _script(folder) or _main(folder)


def _sources(folder: Path) -> list[Path]:
    found = [*files_below(folder, "*.py"), *files_below(folder, "*/*.py"), *files_below(folder, "src/*/*.py")]
    return [path for path in found if not _SKIP & set(path.relative_to(folder).parts)]


def _declared(folder: Path) -> str:
    """The text in which dependencies are declared, in lower case."""
    names = ("pyproject.toml", "requirements.txt", "setup.py", "Pipfile")
    return "\n".join(text_of(folder / name) for name in names).lower()


def _django(folder: Path) -> Found | None:
    if not (folder / "manage.py").is_file():
        return None
    settings = re.search(
        r"DJANGO_SETTINGS_MODULE[\"'],\s*[\"']([\w.]+)\.settings", text_of(folder / "manage.py")
    )
    if settings and "gunicorn" in _declared(folder):
        served = ("gunicorn", "--bind", "127.0.0.1:{port}", f"{settings[1]}.wsgi")
        return Found("manage.py: Django behind gunicorn", served, port=8000)
    run = ("python", "manage.py", "runserver", "--noreload", "127.0.0.1:{port}")
    note = "Django's runserver is for development: install gunicorn and run that instead."
    return Found("manage.py: Django", run, port=8000, notes=(note,))


def _framework(folder: Path, sources: list[Path]) -> Found | None:
    for path in sources:
        text = text_of(path)
        asgi, wsgi = _ASGI.search(text), _WSGI.search(text)
        where = path.relative_to(folder)
        if asgi:
            target, prefix = _target(where, asgi[1])
            run = (*prefix, "uvicorn", target, "--host", "127.0.0.1", "--port", "{port}")
            return Found(f"{where}: {asgi[2]}, served by uvicorn", run, port=8000)
        if wsgi and "gunicorn" in _declared(folder):
            target, prefix = _target(where, wsgi[1])
            return Found(
                f"{where}: {wsgi[2]}, served by gunicorn",
                (*prefix, "gunicorn", "--bind", "127.0.0.1:{port}", target),
                port=8000,
            )
        if wsgi and wsgi[2] == "Flask":
            target, prefix = _target(where, wsgi[1])
            note = "flask run is for development: install gunicorn and run that instead."
            run = (*prefix, "flask", "--app", target, "run", "--host", "127.0.0.1", "--port", "{port}")
            return Found(f"{where}: Flask", run, port=5000, notes=(note,))
    return None


def _target(where: Path, name: str) -> tuple[str, tuple[str, ...]]:
    """`package.module:name`, and how to make a `src` folder importable."""
    parts = where.with_suffix("").parts
    inside = parts[:1] == ("src",)
    parts = parts[1:] if inside else parts
    parts = parts[:-1] if parts[-1] == "__init__" and parts[1:] else parts
    return f"{'.'.join(parts)}:{name}", ("env", "PYTHONPATH=src") if inside else ()


def _script(folder: Path) -> Found | None:
    try:
        data = tomllib.loads(text_of(folder / "pyproject.toml"))
    except UNREADABLE:
        return None
    project = data.get("project")
    scripts = cast("dict[str, object]", project).get("scripts") if isinstance(project, dict) else None
    names = sorted(cast("dict[str, object]", scripts)) if isinstance(scripts, dict) else []
    if not names:
        return None
    note = f"Give {names[0]} its port: by an option with {{port}}, or by the variable PORT."
    return Found(f"pyproject.toml: the script {names[0]}", (names[0],), notes=(note,))


def _main(folder: Path) -> Found | None:
    note = "The command must listen on the port in the variable PORT, or be given {port}."
    for path in [*files_below(folder, "*/__main__.py"), *files_below(folder, "src/*/__main__.py")]:
        package = path.parent
        if not _SKIP & set(package.relative_to(folder).parts):
            prefix = ("env", "PYTHONPATH=src") if package.parent.name == "src" else ()
            return Found(
                f"{path.relative_to(folder)}", (*prefix, "python", "-m", package.name), notes=(note,)
            )
    for name in _MAINS:
        if (folder / name).is_file():
            return Found(name, ("python", name), notes=(note,))
    return None
