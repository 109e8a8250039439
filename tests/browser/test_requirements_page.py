"""The page of all statements in Chromium: `make browser`."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from docs.screenshots import chromium
from requirements.marks import marked
from requirements.page import page as render
from requirements.statements import statements
from requirements.wire import Verdicts

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from playwright.sync_api import Page

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    own = {name: where for name, where in marked().items() if statements()[name].of_library}
    written = tmp_path_factory.mktemp("requirements") / "requirements.html"
    outcomes = {name: dict.fromkeys(where, "passed") for name, where in own.items()}
    written.write_text(render(outcomes, Verdicts(None)), encoding="utf-8")
    return written


@pytest.fixture
def page(file: Path) -> Iterator[Page]:
    with chromium() as browser, browser.new_context(viewport={"width": 390, "height": 844}) as context:
        opened = context.new_page()
        complaints: list[str] = []
        opened.on("console", lambda message: complaints.append(message.text))
        opened.on("pageerror", lambda error: complaints.append(str(error)))
        opened.goto(file.as_uri())
        yield opened
        assert complaints == []


def shown(page: Page) -> list[str]:
    found = page.eval_on_selector_all(".statement:not([hidden])", "found => found.map(one => one.id)")
    assert isinstance(found, list)
    return found


def test_filters_hold_together_and_stand_in_the_address(page: Page) -> None:
    for name in (re.compile("^RFC 7692"), re.compile("^MUST"), "server"):
        page.get_by_role("button", name=name).click()
    expected = [
        one.id
        for one in statements().values()
        if one.rfc == "RFC 7692" and one.keyword in {"MUST", "MUST NOT"} and one.role in {"server", "both"}
    ]
    assert shown(page) == expected
    page.fill("#text", "takeover")
    assert 0 < len(shown(page)) < len(expected)
    assert page.url.endswith("#?rfc=7692&keyword=must&role=server&text=takeover")
    before = shown(page)
    page.reload()
    assert shown(page) == before
    page.fill("#text", "no such statement")
    expect(page.locator("#nothing")).to_be_visible()


def test_a_statement_has_an_address(page: Page, file: Path) -> None:
    page.goto(f"{file.as_uri()}#R6455-5.1-02")
    found = page.locator("[id='R6455-5.1-02']")
    expect(found).to_be_in_viewport()
    expect(found).to_contain_text("frame_header.py:")
    found.locator("summary").first.click()
    expect(found).to_contain_text("test_frame_header.py")


def test_a_phone_shows_it_whole_and_everybody_can_read_it(page: Page) -> None:
    assert page.evaluate("document.documentElement.scrollWidth") == 390
    for scheme in ("light", "dark"):
        page.fill("#text", "r8441")
        page.emulate_media(color_scheme=scheme)
        found = Axe().run(page)
        assert found.violations_count == 0, found.generate_report()
