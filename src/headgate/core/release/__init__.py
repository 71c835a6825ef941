"""What a release will be: from a wish to a plan, and whether it may begin."""
