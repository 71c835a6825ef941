"""Assemble one version of the shop as an artifact: `python build.py VERSION OUT_DIR`.

An artifact is a folder with all that the version needs: `main.py` and the package `shop`. What is here is v1;
another version is the same with its file from `versions/` as `shop/version.py`. The same version gives the
same bytes, modes and times, on every machine.
"""

import argparse
import difflib
import os
import shutil
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
# 1980-01-01, the first day that every archive format can write down.
BUILT_AT = int(os.environ.get("SOURCE_DATE_EPOCH", "315532800"))


def versions() -> dict[str, Path]:
    """All versions by name, and the file that makes each one different."""
    changed = {path.stem.replace("_", "-"): path for path in sorted((HERE / "versions").glob("*.py"))}
    return {"v1": HERE / "shop" / "version.py", **changed}


def build(version: str, out: Path) -> None:
    """Write the artifact of `version` into the empty or new folder `out`; raises `ValueError` where it cannot."""
    known = versions()
    if version not in known:
        near = difflib.get_close_matches(version, known, n=1, cutoff=0.3)
        hint = f"; did you mean {near[0]}?" if near else ""
        raise ValueError(f"there is no version {version!r}{hint} (versions: {', '.join(known)})")
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise ValueError(f"{out} is not an empty folder")
    package = out / "shop"
    package.mkdir(parents=True)
    _place(HERE / "main.py", out / "main.py")
    for source in sorted((HERE / "shop").glob("*.py")):
        _place(known[version] if source.name == "version.py" else source, package / source.name)
    for folder in (package, out):
        folder.chmod(0o755)
        os.utime(folder, (BUILT_AT, BUILT_AT))


def _place(source: Path, target: Path) -> None:
    shutil.copyfile(source, target)
    target.chmod(0o644)
    os.utime(target, (BUILT_AT, BUILT_AT))


def main() -> int:
    """The command."""
    parser = argparse.ArgumentParser(description="Assemble one version of the shop as an artifact.")
    parser.add_argument("version", metavar="VERSION", help=", ".join(versions()))
    parser.add_argument("out", metavar="OUT_DIR", type=Path, help="an empty or new folder")
    asked = parser.parse_args()
    try:
        build(asked.version, asked.out)
    except ValueError as error:
        sys.stderr.write(f"build: {error}\n")
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
