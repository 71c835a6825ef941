"""A release before it begins: its plan, made from what is asked and what runs, and the objections to it."""
