"""Records judged again: by their own criteria, by others, and by rules of another kind."""
