"""The page of a report in Chromium: `make browser`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from docs.screenshots import NoBrowserError, chromium, take
from harness.cases import CASES, is_for
from harness.matrix.page import render
from harness.matrix.results import RoleResult, Row
from harness.report import write_report
from harness.setups import Setup
from tests.harness.report_samples import bad_run, case, troubled, verdict, whole

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from playwright.sync_api import Browser, Page, ViewportSize

pytestmark = pytest.mark.browser

PHONE: ViewportSize = {"width": 390, "height": 844}
WIDE: ViewportSize = {"width": 1200, "height": 900}
SHOWN = ".case:not([hidden])"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    try:
        with chromium() as started:
            yield started
    except NoBrowserError as error:
        pytest.fail(str(error))


@pytest.fixture(scope="module")
def troubled_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_report(tmp_path_factory.mktemp("troubled"), troubled())


@pytest.fixture(scope="module")
def whole_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_report(tmp_path_factory.mktemp("whole"), whole())


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A page that must not complain, ask for anything, or load anything but itself."""
    with browser.new_context() as context:
        opened = context.new_page()
        opened.set_default_timeout(10_000)
        complaints: list[str] = []
        opened.on("console", lambda message: complaints.append(message.text))
        opened.on("pageerror", lambda error: complaints.append(str(error)))
        opened.on("dialog", lambda dialog: complaints.append(dialog.message))
        opened.on(
            "request", lambda request: complaints.append(request.url) if is_remote(request.url) else None
        )
        yield opened
        assert complaints == []


def is_remote(url: str) -> bool:
    return not url.startswith(("file:", "data:"))


@pytest.fixture
def troubled_page(page: Page, troubled_file: Path) -> Page:
    return visit(page, troubled_file)


@pytest.fixture
def whole_page(page: Page, whole_file: Path) -> Page:
    return visit(page, whole_file)


def visit(page: Page, file: Path, address: str = "") -> Page:
    """Open a page, and wait for its script, which unpacks the data first."""
    page.goto(file.as_uri() + address)
    expect(page.locator("#shown")).not_to_be_empty()
    return page


def shown(page: Page) -> list[str]:
    """The cases that are shown."""
    names = page.eval_on_selector_all(
        SHOWN, "found => found.filter(one => one.offsetParent).map(one => one.dataset.case)"
    )
    assert isinstance(names, list)
    return names


def focused(page: Page) -> str:
    """The number of the row that has the focus, or the id of another element."""
    name = page.evaluate(
        "document.activeElement.querySelector('.number')?.textContent ?? document.activeElement.id"
    )
    assert isinstance(name, str)
    return name


def test_the_verdict_is_on_top(troubled_page: Page) -> None:
    expect(troubled_page.locator("h1")).to_have_text("3 verdicts not as expected")
    expect(troubled_page.locator(".role h2")).to_have_text(["as server", "as client"])
    expect(troubled_page.locator(".role").first).to_contain_text("4 OK")
    expect(troubled_page.locator(".role").first).to_contain_text("2 not as expected")


def test_what_differs_is_open_and_has_the_command_that_repeats_it(troubled_page: Page) -> None:
    assert set(shown(troubled_page)) == {"6.4.1", "6.4.2", "7.13.1", "9.1.1"}
    differing = troubled_page.locator("[data-case='6.4.1'] .difference")
    expect(differing).to_contain_text("server OK → FAILED")
    causes = troubled_page.locator(".causes").first
    expect(causes).to_be_in_viewport()
    expect(causes.locator("li")).to_have_count(3)
    expect(causes).to_contain_text("python -m harness run --failed")
    causes.get_by_role("link", name="6.4.1").click()
    details = troubled_page.locator("[data-case='6.4.1'] .details")
    expect(details.locator(".title").first).to_have_text("regression")
    expect(details).to_contain_text("OK, close OK, code 1007")


def test_a_number_filters_for_a_section_exactly(whole_page: Page) -> None:
    whole_page.fill("#text", "6.4")
    assert shown(whole_page) == ["6.4.1", "6.4.2", "6.4.3", "6.4.4"]
    expect(whole_page.locator("#shown")).to_have_text(f"4 of {len(CASES)} cases")
    whole_page.fill("#text", "6.4.1")
    assert shown(whole_page) == ["6.4.1"]
    whole_page.fill("#text", "")
    expect(whole_page.locator("#shown")).to_have_text(f"{len(CASES)} cases")
    assert shown(whole_page) == [], "the sections are closed again"


def test_words_filter_by_title_description_and_verdict(troubled_page: Page) -> None:
    troubled_page.fill("#text", "LATER same")
    assert shown(troubled_page) == ["6.4.2"]
    troubled_page.fill("#text", "part1 = ceba")
    assert shown(troubled_page) == ["6.4.1"]
    troubled_page.fill("#text", "wrong code")
    assert shown(troubled_page) == ["7.13.1"]
    troubled_page.fill("#text", "no such words")
    assert shown(troubled_page) == []
    expect(troubled_page.locator("#nothing")).to_be_visible()
    troubled_page.press("#text", "Escape")
    expect(troubled_page.locator("#nothing")).to_be_hidden()


def test_verdicts_and_roles_filter(troubled_page: Page) -> None:
    button = troubled_page.get_by_role("button", name="differs 3")
    button.click()
    expect(button).to_have_attribute("aria-pressed", "true")
    assert shown(troubled_page) == ["6.4.1", "7.13.1", "9.1.1"]
    troubled_page.get_by_role("button", name="client", exact=True).click()
    assert shown(troubled_page) == ["7.13.1"]
    expect(troubled_page.locator(".role[data-role=server]")).to_be_hidden()
    button.click()
    troubled_page.get_by_role("button", name="OK 6").click()
    assert shown(troubled_page) == ["1.1.1", "6.4.1"], "as client"
    troubled_page.get_by_role("button", name="FAILED 1").click()
    troubled_page.get_by_role("button", name="OK 6").click()
    assert shown(troubled_page) == []
    troubled_page.get_by_role("button", name="both").click()
    assert shown(troubled_page) == ["6.4.1"]


def test_a_case_opens_in_place(troubled_page: Page) -> None:
    troubled_page.locator("[data-case='6.4.1'] .row").click()
    details = troubled_page.locator("[data-case='6.4.1'] .details")
    for text in (
        "PART1 = cebae1", "Receive it back.", "Actual events match", "text message “Hello”",
        "close behaviour", "the library sent", "Host: localhost", "mask 01020304", "48 65 6c 6c 6f",
        "81 85 01 02 03 04 49 67 6f 68 6e", "unless it ends within 1 s", "code 1000", "Upgrade: websocket",
        "python -m harness run --role server --cases 6.4.1",
    ):  # fmt: skip
        expect(details).to_contain_text(text)
    assert troubled_page.url.endswith("#server/6.4.1")
    troubled_page.get_by_role("tab", name="as client").click()
    assert troubled_page.url.endswith("#client/6.4.1")
    expect(details).not_to_contain_text("PART1 = cebae1")
    troubled_page.locator("[data-case='6.4.1'] .row").click()
    expect(details).to_be_hidden()


def test_hostile_text_is_shown_as_text(troubled_page: Page) -> None:
    troubled_page.locator("[data-section='X'] .row").first.click()
    troubled_page.locator("[data-case='X.1'] .row").click()
    details = troubled_page.locator("[data-case='X.1'] .details")
    expect(details).to_contain_text(
        r"</script><script>alert(1)</script><img src=x onerror=alert(2)>\x00\u202e\ud800`|`"
    )
    expect(details).to_contain_text("Control frames MAY be injected.\nR6455-5.4-05")
    expect(details.locator("img, script")).to_have_count(0)


def test_a_rule_of_an_rfc_is_a_link(page: Page, troubled_file: Path) -> None:
    page.goto(f"{troubled_file.as_uri()}#client/7.13.1")
    link = page.get_by_role("link", name="RFC 6455 5.5.1", exact=True)
    expect(link).to_have_attribute("href", "https://www.rfc-editor.org/rfc/rfc6455#section-5.5.1")


def test_a_case_for_one_role_has_its_place_in_the_column_of_that_role(troubled_page: Page) -> None:
    both, one = (
        troubled_page.locator(f"[data-case='{name}'] .chip[data-verdict]").first.bounding_box()
        for name in ("6.4.1", "6.4.2")
    )
    assert both is not None
    assert one is not None
    assert both["x"] == one["x"]


def test_a_case_that_has_not_run_says_so(troubled_page: Page) -> None:
    troubled_page.locator("[data-case='9.1.1'] .row").click()
    expect(troubled_page.locator("[data-case='9.1.1'] .details")).to_contain_text("It has not run.")


@pytest.mark.parametrize(("role", "tab"), [("server", "as server"), ("client", "as client")])
def test_a_link_opens_its_case(page: Page, whole_file: Path, role: str, tab: str) -> None:
    page.goto(f"{whole_file.as_uri()}#{role}/6.4.1")
    expect(page.locator("[data-case='6.4.1'] .wire")).to_be_visible()
    expect(page.get_by_role("tab", selected=True)).to_have_text(tab)
    assert focused(page) == "6.4.1"
    expect(page.locator("[data-case='6.4.1'] .row")).to_be_in_viewport()


@pytest.mark.parametrize("address", ["#server/99.9", "#proxy/6.4.1/2", "#%", "#", "#<img src=x>"])
def test_a_link_to_nowhere_is_no_error(page: Page, troubled_file: Path, address: str) -> None:
    page.goto(troubled_file.as_uri() + address)
    expect(page.locator("#shown")).to_have_text("7 cases")


def test_a_link_to_a_role_in_which_a_case_has_not_run_opens_the_other(
    page: Page, troubled_file: Path
) -> None:
    page.goto(f"{troubled_file.as_uri()}#client/6.4.2")
    expect(page.get_by_role("tab", selected=True)).to_have_text("as server")


def test_the_keyboard_reaches_everything(whole_page: Page) -> None:
    keys = whole_page.keyboard
    keys.press("/")
    assert focused(whole_page) == "text"
    keys.type("6.4")
    keys.press("ArrowDown")
    assert focused(whole_page) == "6"
    keys.press("ArrowDown")
    assert focused(whole_page) == "6.4"
    keys.press("ArrowRight")  # it is open: the next one
    assert focused(whole_page) == "6.4.1"
    keys.press("Enter")
    expect(whole_page.locator("[data-case='6.4.1'] .details")).to_be_visible()
    keys.press("Tab")
    keys.press("ArrowRight")
    expect(whole_page.get_by_role("tab", name="as client")).to_be_focused()
    keys.press("Escape")
    assert focused(whole_page) == "6.4.1"
    expect(whole_page.locator("[data-case='6.4.1'] .details")).to_be_hidden()
    keys.press("ArrowLeft")
    assert focused(whole_page) == "6.4"
    keys.press("ArrowLeft")
    assert shown(whole_page) == []
    keys.press("ArrowUp")
    keys.press("ArrowUp")
    assert focused(whole_page) == "text"


def test_the_focus_can_be_seen(whole_page: Page) -> None:
    whole_page.keyboard.press("/")
    whole_page.keyboard.press("ArrowDown")
    outline = whole_page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
    assert outline == "solid"


def test_everything_opens_and_closes_at_once(whole_page: Page) -> None:
    whole_page.get_by_role("button", name="open all").click()
    assert len(shown(whole_page)) == len(CASES)
    whole_page.get_by_role("button", name="close all").click()
    assert shown(whole_page) == []


def test_a_dot_leads_to_its_case(whole_page: Page) -> None:
    whole_page.locator("[data-role=client] [data-dot='5.3']").click()
    expect(whole_page.locator("[data-case='5.3'] .details")).to_be_visible()
    assert whole_page.url.endswith("#client/5.3")


def test_nothing_is_wider_than_a_phone(page: Page, troubled_file: Path) -> None:
    page.set_viewport_size(PHONE)
    page.goto(f"{troubled_file.as_uri()}#server/6.4.1")
    page.get_by_role("button", name="open all").click()
    page.evaluate(
        "for (const row of document.querySelectorAll('.case .row[aria-expanded=false]')) row.click()"
    )
    page.evaluate("for (const folded of document.querySelectorAll('details')) folded.open = true")
    assert page.locator(".details .wire").count() == 6
    assert page.evaluate("document.documentElement.scrollWidth") == PHONE["width"]


def test_the_theme_is_the_systems_until_it_is_chosen(page: Page, troubled_file: Path) -> None:
    def background() -> str:
        return str(page.evaluate("getComputedStyle(document.body).backgroundColor"))

    page.emulate_media(color_scheme="light")
    page.goto(troubled_file.as_uri())
    light = background()
    page.emulate_media(color_scheme="dark")
    dark = background()
    assert light != dark
    page.get_by_role("button", name="Light or dark").click()
    assert background() == light
    page.reload()
    assert background() == light
    page.get_by_role("button", name="Light or dark").click()
    assert background() == dark


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("size", [WIDE, PHONE], ids=["wide", "phone"])
def test_everything_can_be_read_and_reached(
    browser: Browser, troubled_file: Path, theme: Literal["light", "dark"], size: ViewportSize
) -> None:
    with browser.new_context(color_scheme=theme, viewport=size) as context:
        page = context.new_page()
        page.goto(f"{troubled_file.as_uri()}#server/6.4.1")
        expect(page.locator("[data-case='6.4.1'] .wire")).to_be_visible()
        violations = Axe().run(page).response["violations"]
    assert [(found["id"], found["nodes"][0]["html"]) for found in violations] == []


def test_both_themes_are_pictured(browser: Browser, whole_file: Path, tmp_path: Path) -> None:
    pictures = take(browser, whole_file, tmp_path)
    assert [picture.name for picture in pictures] == ["report-light.png", "report-dark.png"]
    contents = [picture.read_bytes() for picture in pictures]
    assert all(content.startswith(b"\x89PNG") and len(content) > 10_000 for content in contents)
    assert contents[0] != contents[1]


def test_the_verdicts_are_there_without_scripts(browser: Browser, troubled_file: Path) -> None:
    with browser.new_context(java_script_enabled=False) as context:
        page = context.new_page()
        page.goto(troubled_file.as_uri())
        expect(page.locator("[data-case='X.1']")).to_be_visible()
        expect(page.locator("[data-case='6.4.1'] .chip").first).to_be_visible()
        expect(page.locator("#text")).to_be_hidden()


@pytest.fixture(scope="module")
def bad_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bad run: setups of which some differ, much of one cause, and all that a page may have to show."""
    return write_report(tmp_path_factory.mktemp("bad"), bad_run(), whole())


@pytest.fixture(params=["light", "dark"])
def theme(request: pytest.FixtureRequest) -> Literal["light", "dark"]:
    chosen: Literal["light", "dark"] = request.param
    return chosen


SIZES = pytest.mark.parametrize("size", [{"width": 1280, "height": 900}, PHONE], ids=["1280", "390"])


@SIZES
@pytest.mark.parametrize("file", ["whole_file", "bad_file"])
def test_pages_have_no_errors_and_fit_their_width(
    page: Page, request: pytest.FixtureRequest, file: str, size: ViewportSize, theme: Literal["light", "dark"]
) -> None:
    page.set_viewport_size(size)
    page.emulate_media(color_scheme=theme)
    visit(page, request.getfixturevalue(file), "#server/2.4")
    expect(page.locator("[data-case='2.4'] .wire")).to_be_visible()
    page.fill("#text", "2")
    page.get_by_role("button", name="open all").click()
    page.get_by_role("button", name="by time").click()
    assert page.evaluate("document.documentElement.scrollWidth") == size["width"]


@SIZES
def test_the_first_screen_of_a_bad_run_lists_causes(page: Page, bad_file: Path, size: ViewportSize) -> None:
    page.set_viewport_size(size)
    visit(page, bad_file)
    expect(page.locator("h1")).to_contain_text("not as expected, 1 accepted violation")
    first = page.locator(".causes li").first
    expect(first).to_be_in_viewport()
    expect(first).to_contain_text("server, server/limits, client:")
    assert shown(page) == [], "the sections are closed where much differs"
    assert page.evaluate("document.documentElement.scrollHeight") < 9000
    page.get_by_role("button", name="more").click()
    expect(first.locator("a")).to_have_count(145)


def test_a_difference_is_marked_in_texts_that_look_alike(page: Page, bad_file: Path) -> None:
    visit(page, bad_file, "#server/2.4")
    lost, came = page.locator("[data-case='2.4'] .diff li").all()
    expect(lost.locator("mark")).to_have_text("125")
    expect(came.locator("mark")).to_have_text("124")


def test_a_head_is_text_with_the_field_at_fault_marked(page: Page, bad_file: Path) -> None:
    visit(page, bad_file, "#server/X.1.1")
    wire = page.locator("[data-case='X.1.1'] .wire")
    expect(wire.locator("mark")).to_have_text("Upgrade: h2c\n")
    expect(wire.locator(".frame")).to_have_count(0)
    expect(wire.locator(".at").first).to_have_text("0.3 ms")
    expect(wire.locator(".octets .who").first).to_contain_text("suite →")
    folded = wire.locator("details").first
    expect(folded.locator("div")).to_be_hidden()
    folded.locator("summary").click()
    expect(folded.locator("div")).to_be_visible()


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("1002", 1),
        ("RFC 7692", None),
        ("RFC 6455 8.1", None),
        ("6.*.1", 23),
        ("6.4", 4),
        ("x.1", None),
        ("unclean", 1),
    ],
)
def test_the_filter_knows_what_people_type(page: Page, bad_file: Path, text: str, count: int | None) -> None:
    visit(page, bad_file).fill("#text", text)
    found = shown(page)
    assert found
    assert count is None or len(found) == count


def test_what_is_shown_is_in_the_address_and_survives_a_reload(page: Page, bad_file: Path) -> None:
    visit(page, bad_file).fill("#text", "6.*.1")
    page.locator("[data-filter=FAILED]").click()
    page.get_by_role("button", name="client", exact=True).click()
    page.get_by_role("button", name="by time").click()
    page.locator("[data-case='6.4.1'] .row").click()
    expect(page.locator("[data-case='6.4.1'] .details")).to_be_visible()
    before = shown(page)
    assert page.url.endswith("#client/6.4.1?text=6.*.1&verdict=FAILED&role=client&sort=time")
    page.reload()
    expect(page.locator("[data-case='6.4.1'] .details")).to_be_visible()
    assert shown(page) == before
    expect(page.get_by_role("button", name="by time")).to_have_attribute("aria-pressed", "true")


def test_the_slowest_case_comes_first_by_time(page: Page, bad_file: Path) -> None:
    visit(page, bad_file).get_by_role("button", name="by time").click()
    assert shown(page)[0] == "7.1.1"
    expect(page.locator("[data-case='7.1.1'] .took")).to_have_text("9000 ms")
    page.get_by_role("button", name="by time").click()
    assert shown(page) == []


def test_what_is_filtered_opens_to_its_cases(page: Page, bad_file: Path) -> None:
    visit(page, bad_file).fill("#text", "6.4")
    page.get_by_role("button", name="open all").click()
    expect(page.locator(".details:visible")).to_have_count(4)


def test_rows_are_reached_without_the_filter(whole_page: Page) -> None:
    whole_page.keyboard.press("j")
    assert focused(whole_page) == "1"
    whole_page.keyboard.press("j")
    assert focused(whole_page) == "2"
    whole_page.keyboard.press("k")
    assert focused(whole_page) == "1"


def test_the_run_before_is_compared(page: Page, bad_file: Path) -> None:
    visit(page, bad_file)
    since = page.locator(".whys summary", has_text="Since the last run")
    expect(since).to_contain_text("broken")
    expect(page.locator("footer")).to_contain_text("1a2b3c4")


def test_a_page_opens_within_a_second(page: Page, bad_file: Path) -> None:
    visit(page, bad_file)
    took = page.evaluate("performance.now()")
    assert bad_file.stat().st_size < 2_500_000
    assert took < 10_000, "under 1 s on an idle machine; tests do not depend on that"


@pytest.fixture(scope="module")
def matrix_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A matrix of two implementations, one of which fails section 6."""
    cases = [name for name in CASES if is_for(name, "server") and name[0] in "16X"]
    good = {name: case() for name in cases}
    bad = good | {name: case(**verdict("FAILED")) for name in cases if name[0] == "6"}
    rows = [
        Row("good", "good 1.0", roles={Setup("server"): RoleResult(cases, good)}),
        Row("bad", "bad 2.0", roles={Setup("server"): RoleResult(cases, bad)}),
    ]
    about = {
        "stopped": "",
        "started": "2026",
        "profile": "fast",
        "patterns": [],
        "python": "3.13",
        "engine": "kosoku 0.1.0",
    }
    file = tmp_path_factory.mktemp("matrix") / "matrix.html"
    file.write_text(render(about, {Setup("server"): cases}, rows), encoding="utf-8")
    return file


@SIZES
def test_the_matrix_is_of_the_same_house(
    page: Page, matrix_file: Path, size: ViewportSize, theme: Literal["light", "dark"]
) -> None:
    page.set_viewport_size(size)
    page.emulate_media(color_scheme=theme)
    visit(page, matrix_file)
    page.get_by_role("button", name="Light or dark").click()
    assert page.evaluate("document.documentElement.className") == ("dark" if theme == "light" else "light")
    page.locator("td.cell a[href='#server-6']").nth(1).click()
    expect(page.locator("#server-6")).to_have_attribute("open", "")
    page.locator("td a[href='#server-6.4.1-bad']").click()
    expect(page.locator("[id='server-6.4.1-bad'] dl")).to_be_visible()
    page.locator(".board a[href='#server-bad-text']").click()
    expect(page.locator("#server-bad")).to_have_attribute("open", "")
    expect(page.locator("#server-bad-text q")).to_contain_text("MUST _Fail the WebSocket Connection_")
    page.locator("#server-bad-text a", has_text="6.3.1").first.click()
    expect(page.locator("[id='server-6.3.1-bad'] dd.mono")).to_contain_text("--only bad --cases 6.3.1")
    page.keyboard.press("/")
    page.keyboard.type("6.4.*")
    expect(page.locator("#shown")).to_contain_text("4 of")
    expect(page.locator("tr[data-case='6.4.1']")).to_be_visible()
    expect(page.locator("#server-1")).to_be_hidden()
    assert page.url.endswith("#?text=6.4.*")
    page.reload()
    expect(page.locator("#shown")).to_contain_text("4 of")
    expect(page.locator("#server-requirements tr:visible td.cell.bad")).to_have_count(1)
    assert page.evaluate("document.documentElement.scrollWidth") == size["width"]
    violations = Axe().run(page).response["violations"]
    assert [(found["id"], found["nodes"][0]["html"]) for found in violations] == []
