"""`python -m harness`: runs the Autobahn test suite against wsproto in both roles and judges the verdicts."""
