"""A PHP project: Laravel, Symfony, or pages in a folder."""

from pathlib import Path

from headgate.config.detection.found import Found

_NOTE = "PHP's own server is for development: put php-fpm behind a web server, or FrankenPHP, in its place."


def look(folder: Path) -> Found | None:
    """How this PHP project starts; None when it is none."""
    if (folder / "artisan").is_file():
        run = ("php", "artisan", "serve", "--host", "127.0.0.1", "--port", "{port}")
        return Found("artisan: Laravel", run, port=8000, notes=(_NOTE,))
    for public in ("public", "web", "."):
        if (folder / public / "index.php").is_file():
            served = ("php", "-S", "127.0.0.1:{port}", "-t", public)
            return Found(
                f"{'' if public == '.' else f'{public}/'}index.php", served, port=8000, notes=(_NOTE,)
            )
    return None
