"""`python -m harness`: runs wsproto against the Autobahn test suite in both roles and judges the verdicts."""
