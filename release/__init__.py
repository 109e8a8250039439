"""Builds what is released, tries it in empty environments, and tags it: `python -m release`."""
