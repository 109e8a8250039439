"""Makes the pictures of the harness's report in this folder: `python docs/screenshots.py [DIR]`.

DIR (default `report`) holds the index.html of a run of both roles.
"""

from __future__ import annotations

import shutil
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from playwright.sync_api import Error, sync_playwright

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser

HERE = Path(__file__).resolve().parent
NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
PICTURES: tuple[tuple[Literal["light", "dark"], str], ...] = (
    ("light", ""),
    ("dark", "#server/5.6"),
)
"""Of each theme a picture: the page as it opens, and a case."""


class NoBrowserError(Exception):
    """No Chromium was found."""


@contextmanager
def chromium() -> Iterator[Browser]:
    """Start the system's Chromium or Chrome, else the one that playwright has installed.

    Raises `NoBrowserError` where there is none.
    """
    found = next(filter(None, map(shutil.which, NAMES)), None)
    with sync_playwright() as playwright:
        try:
            browser = playwright.chromium.launch(executable_path=found)
        except Error as error:
            reason = (
                f"{found} does not start: {error}" if found else "there is no Chromium"
            )
            raise NoBrowserError(
                f"{reason}: `apt-get install chromium`, or `playwright install --with-deps chromium`"
            ) from error
        try:
            yield browser
        finally:
            browser.close()


def take(browser: Browser, page_file: Path, folder: Path) -> list[Path]:
    """Write `report-light.png` and `report-dark.png` into a folder."""
    pictures = []
    for theme, address in PICTURES:
        with browser.new_context(
            color_scheme=theme, viewport={"width": 1200, "height": 860}
        ) as context:
            page = context.new_page()
            page.goto(page_file.resolve().as_uri() + address)
            page.mouse.move(0, 0)
            pictures.append(folder / f"report-{theme}.png")
            page.screenshot(path=pictures[-1], animations="disabled")
    return pictures


def main() -> int:
    """Write the pictures."""
    page_file = Path(*sys.argv[1:2] or ["report"]) / "index.html"
    if not page_file.is_file():
        print(
            f"error: there is no {page_file}: `python -m harness run` writes it",
            file=sys.stderr,
        )
        return 2
    try:
        with chromium() as browser:
            for picture in take(browser, page_file, HERE):
                print(f"{picture}: {picture.stat().st_size} bytes")
    except NoBrowserError as error:
        print(f"error: {' '.join(str(error).split())}", file=sys.stderr)
        return 3
    return 0


if __name__ == "__main__":
    sys.exit(main())
