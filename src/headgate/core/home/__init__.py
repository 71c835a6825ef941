"""A home beside its releases: who may do what, freezes, hooks, secrets and people. A fold of its own events."""
