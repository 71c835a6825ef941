"""The story of a release, told from its events: numbers, sentences, views, stretches of time."""
