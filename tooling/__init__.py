"""The common part of the tools `harness`, `bench` and `fuzz`; it imports none of them, nor the library."""
