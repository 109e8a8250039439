"""Several implementations through the same cases: `python -m harness matrix`."""
