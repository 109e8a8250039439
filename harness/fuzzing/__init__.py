"""The fuzzer for endpoints: `python -m harness fuzz URL`."""
