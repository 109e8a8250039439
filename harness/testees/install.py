"""Installs packages with the interpreter that runs it: pip, which ends with its standard input as a testee does."""

from __future__ import annotations

import runpy
import sys

from contract import end_with_standard_input

end_with_standard_input()
sys.argv = ["pip", "--disable-pip-version-check", "install", "--quiet", "--no-input", *sys.argv[1:]]
runpy.run_module("pip", run_name="__main__")
