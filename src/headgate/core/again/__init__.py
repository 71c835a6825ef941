"""What was recorded, judged again: by its own criteria, by others, and by rules of another kind."""
