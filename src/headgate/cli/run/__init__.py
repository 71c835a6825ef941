"""What a command does while it lasts: steers, follows, watches, serves."""
