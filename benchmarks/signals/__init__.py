"""What it costs to read signals."""
