"""Where an error began: spans of one request, by service and version -> who is to answer for its failure. Pure."""

from headgate.core.traces.boundary import Fate, Kind, Party, RequestOutcome, Span, locate

__all__ = ["Fate", "Kind", "Party", "RequestOutcome", "Span", "locate"]
