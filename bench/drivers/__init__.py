"""How each implementation is driven: a module each.

`interface` says what they have in common. Nothing here may need more than the standard library and the
implementation itself.
"""
