"""Channels for messages to people: one mechanism a file."""
