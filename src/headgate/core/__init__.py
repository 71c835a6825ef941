"""The room that decides: pure, no I/O, no clock, no randomness, no logging; msgspec and math only."""
