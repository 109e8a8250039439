"""The faults, a module for each module of `src/wsproto` that they are planted in."""
