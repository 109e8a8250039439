"""What several of the tools `harness`, `bench` and `fuzz` need; it imports none of them, nor the library."""
