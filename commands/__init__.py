"""What the commands `python -m harness`, `bench` and `fuzz` have in common."""
