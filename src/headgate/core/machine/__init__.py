"""The machine of a release: `machine.step` is the only way that a release moves.

`state` says where a release has come to, `events` what may happen to it, `effects` what it asks of the world, and
`transitions` which event is legal at which stage. Nothing is imported here: whoever names an event loads the events.
"""
