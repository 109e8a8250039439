"""Measures the library beside its peers."""
