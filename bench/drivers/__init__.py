"""How each implementation is driven: a module each, with a class `Endpoint`, `shake_hands`, `accept` and `identity`.

`interface` says what they have in common. Nothing here may need more than the standard library and the
implementation itself.
"""
