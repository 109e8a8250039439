"""Drives the implementations: a module for each.

`interface` has what they share. A module here may need only the standard library and its implementation.
"""
