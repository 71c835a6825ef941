"""Processes by `supervisor`: its daemon, one per home, spoken to by XML-RPC over a unix socket.

Only `daemon` imports the library, in the daemon's own process: whoever talks to it stays small.
"""

from headgate.plugins.processes.supervisord.processes import Supervisord

__all__ = ["Supervisord"]
