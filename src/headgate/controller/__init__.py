"""The controller: it runs releases, inbox -> step -> append -> perform, and decides nothing that `core` could decide.

A release is an `Actor`; the `Supervisor` holds them all, admits new ones and brings the unfinished back after a crash.
Imports ledger, ports and core; never a plugin.
"""
