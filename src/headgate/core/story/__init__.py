"""What is told of a release, from its events: numbers, sentences, views, stretches of time."""
