"""Plants single faults into copies of the library, and shows which tests and targets find them."""
