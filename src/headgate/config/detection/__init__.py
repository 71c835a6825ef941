"""A first project file for a folder: what starts it, where it listens, what asks for its health.

`detect` looks and never runs anything; each file here knows one kind of evidence.
"""

from headgate.config.detection.detect import detect

__all__ = ["detect"]
