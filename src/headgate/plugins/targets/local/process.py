"""What the kernel says of a process: two facts, read where they stand, so that asking does not load a library."""

import os
from pathlib import Path


def environ(pid: int) -> dict[str, str]:
    """The environment that a process was started with, or has written over it since. Raises OSError."""
    entries = Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
    pairs = (os.fsdecode(entry).partition("=") for entry in entries if b"=" in entry)
    return {name: value for name, _, value in pairs}


def parent(pid: int) -> int:
    """The process that a process belongs to; 0 when there is none. Raises OSError."""
    words = Path(f"/proc/{pid}/stat").read_text(errors="replace").rpartition(")")[2].split()
    return int(words[1]) if len(words) > 1 else 0
