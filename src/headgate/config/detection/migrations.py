"""Schema migrations: noted, for a release must be able to go back while they stay."""

from pathlib import Path

from headgate.config.detection.found import files_below

_KINDS = (
    ("Alembic", "alembic.ini"),
    ("Alembic", "*/versions/*.py"),
    ("Django", "*/migrations/0*.py"),
    ("Prisma", "prisma/migrations/*/migration.sql"),
    ("Flyway", "**/db/migration/V*.sql"),
    ("SQL", "migrations/*.sql"),
    ("SQL", "db/migrate/*"),
    ("Knex", "migrations/*.js"),
)


def look(folder: Path) -> tuple[str, ...]:
    """One sentence about the migrations of this folder; none when there are none."""
    for kind, pattern in _KINDS:
        found = files_below(folder, pattern)
        if found:
            where = found[0].relative_to(folder)
            place = where if len(where.parts) == 1 else where.parent
            advice = (
                "Run them before the release, so that the old version still works: it may have to come back."
            )
            return (f"{kind} migrations were seen ({place}). {advice}",)
    return ()
