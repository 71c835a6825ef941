"""Legality of going back: asked by every way back.

`machine.one_way` says when a release under way cannot be undone any more, `barrier` what of that outlives it, `forward`
how the fix of a frozen release takes its traffic over, and `declared` what people say of a change in the project file.
"""
