"""A Ruby project: Rails, or whatever config.ru is for."""

import re
from pathlib import Path

from headgate.config.detection.found import Found, text_of


def is_rails(folder: Path) -> bool:
    """True for an application of Rails."""
    return (folder / "config" / "application.rb").is_file() and "rails" in text_of(folder / "Gemfile").lower()


def look(folder: Path) -> Found | None:
    """How this Ruby project starts; None when it is none."""
    if is_rails(folder):
        run = ("env", "RAILS_ENV=production", "bin/rails", "server", "-b", "127.0.0.1", "-p", "{port}")
        health = {"readiness": "/up"} if "rails/health" in text_of(folder / "config" / "routes.rb") else {}
        return Found("config/application.rb: Rails", run, port=3000, probes=health)
    if not (folder / "config.ru").is_file():
        return None
    if re.search(r"""gem\s+["']puma["']""", text_of(folder / "Gemfile")):
        puma = ("bundle", "exec", "puma", "-b", "tcp://127.0.0.1:{port}")
        return Found("config.ru, served by puma", puma, port=9292)
    rack = ("bundle", "exec", "rackup", "--host", "127.0.0.1", "--port", "{port}")
    return Found("config.ru", rack, port=9292)
