"""Every statement of the RFCs has a place, tests and a reason where it needs one.

`requirements.csv` lists the statements, one a row. A test that shows some of them bears
`@pytest.mark.requirement("R6455-5.2-03", ...)`. All is read from the sources, so that this file says the same
whichever tests are run; `make requirements` sees besides that the tests pass, and that none is skipped.
"""

from __future__ import annotations

from requirements.checks import faults
from requirements.markdown import DOCUMENT, departures, document
from requirements.marks import marked
from requirements.sections import sections
from requirements.statements import WEAK, statements
from requirements.wire import Verdicts

READ = {statement: dict.fromkeys(where, "passed") for statement, where in marked().items()}


def test_the_list_is_whole() -> None:
    assert len(statements()) > 500
    assert {one.rfc for one in statements().values()} >= set(sections())
    assert {one.role for one in statements().values()} == {"app", "both", "client", "intermediary", "server"}


def test_nothing_is_missing() -> None:
    assert faults(READ) == []


def test_a_reason_is_a_sentence() -> None:
    reasons = [one.why for one in statements().values() if one.why]
    assert [why for why in reasons if len(why) < 20 or not why.endswith(".")] == []


def test_every_departure_from_a_recommendation_says_why() -> None:
    """The library shows each of them, or there is a reason."""
    weak = [one for one in statements().values() if one.keyword in WEAK]
    assert [one.id for one in weak if not one.of_library and not one.why] == []
    assert {one.id for one in departures()} <= {one.id for one in weak}


def test_the_document_is_what_the_sources_say() -> None:
    page = DOCUMENT.read_text(encoding="utf-8")
    assert page == document(Verdicts(None)), "run: make requirements"
