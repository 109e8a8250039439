"""Measures this checkout beside its peers: `python -m bench`."""
