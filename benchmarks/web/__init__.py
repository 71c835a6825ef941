"""The API under load: many listeners to one stream, and many reads."""
