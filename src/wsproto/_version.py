"""The version, alone in a module so that the build reads it without importing the library."""

__version__ = "1.4.0"
