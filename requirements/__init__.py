"""Traces each statement of the RFCs: where the library enforces it, which tests show it, what the wire said.

`tests/requirements.csv` is the one list of statements. All else is found: places from the ids and sections
that comments and docstrings of `src/wsproto` cite, tests from their marks, cases from the harness, verdicts
from its last run. `python -m requirements` checks that nothing is missing and writes the pages; with `--draw`
it disables places, and sees that the tests notice.
"""
