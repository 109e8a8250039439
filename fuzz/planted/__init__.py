"""Single faults, planted into copies of the library, to see what of the tests and targets finds them."""
