"""The outside world: one vendor or mechanism per file or folder. Plugins import ports and core, never each other."""
