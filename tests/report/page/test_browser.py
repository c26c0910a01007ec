"""The page in a real browser: what a reader can do with it."""

import base64
import itertools
import json

import pytest

from modc import paths
from modc.grid import cells
from modc.jobs import stage_folder
from modc.report.page.page import render

METHODS = ("baseline", "modc")

pytestmark = pytest.mark.slow
ENTER, ESCAPE, SPACE, TAB, RIGHT = (
    ("Enter", 13, "\r"),
    ("Escape", 27),
    (" ", 32, " "),
    ("Tab", 9),
    ("ArrowRight", 39),
)
CURVE = "epoch,valid_MAP@all\n1,0.25\n2,0.5\n3,0.4\n"
PAGES: list[str] = []
PLACE = "table1-ASEN-modc-top1-known-100-overall-MAP-100"


@pytest.fixture
def page(config, scores_of, tmp_path_factory):
    """A run that lacks one cell, as a page; its address. All tests read the same."""
    if not PAGES:
        folder = tmp_path_factory.mktemp("run")
        for cell, method in itertools.product(cells(config)[1:], METHODS):
            write(folder / paths.scores(cell, method), json.dumps(scores_of(cell, method)))
            for stage in ("warm_up", "supervised"):
                write(folder / stage_folder(config, cell, "modc", stage) / "curve.csv", CURVE)
        PAGES.append(render(folder, config).as_uri())
    return PAGES[0]


def write(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def is_open(browser):
    return browser.evaluate("document.getElementById('dialog').open")


def shown_parts(browser):
    return browser.evaluate(
        "[...new Set([...document.querySelectorAll('#tables [data-part]')]"
        ".filter(e => e.checkVisibility()).map(e => e.dataset.part))]"
    )


def test_nothing_is_asked_for_and_nothing_complains(browser, page):
    browser.open(page)
    asked = [
        event["params"]["request"]["url"]
        for event in browser.events
        if event["method"] == "Network.requestWillBeSent"
    ]
    assert {url for url in asked if not url.startswith("data:")} <= {page, "about:blank"}
    said = [
        event
        for event in browser.events
        if event["method"]
        in ("Runtime.exceptionThrown", "Runtime.consoleAPICalled", "Log.entryAdded")
    ]
    assert said == []


def test_the_switch_shows_one_part_and_takes_arrow_keys(browser, page):
    browser.open(page)
    assert shown_parts(browser) == ["ours"]
    browser.evaluate("document.getElementById('show-ours').focus()")
    for part in ("published", "difference", "verdict"):
        browser.press(*RIGHT)
        assert shown_parts(browser) == [part]
    browser.press(*RIGHT)
    assert shown_parts(browser) == ["ours", "published", "difference", "verdict"]


@pytest.mark.parametrize("key", [ENTER, SPACE])
def test_a_number_opens_by_key_and_the_focus_comes_back(browser, page, key):
    browser.open(page)
    browser.evaluate(f"document.querySelector('#tables a[href=\"#{PLACE}\"]').focus()")
    browser.press(*key)
    browser.until("document.getElementById('dialog').open")
    shown = browser.evaluate("document.getElementById('dialog').innerText")
    assert "MODC(ASEN)_top1, MAP@100" in shown and "90.15" in shown
    assert "cells/FashionAI/ASEN/100/seed-0/modc" in shown
    assert browser.evaluate("document.querySelectorAll('#dialog polyline').length") == 2
    assert browser.evaluate("location.hash") == f"#{PLACE}"
    browser.press(*ESCAPE)
    browser.until("!document.getElementById('dialog').open")
    browser.until("location.hash == ''")
    assert browser.evaluate("document.activeElement.getAttribute('href')") == f"#{PLACE}"


def test_the_focus_stays_in_the_dialog(browser, page):
    browser.open(f"{page}#{PLACE}")
    browser.until("document.getElementById('dialog').open")
    for _ in range(12):
        browser.press(*TAB)
        assert browser.evaluate(
            "document.activeElement == document.body"  # the browser's own controls
            " || document.getElementById('dialog').contains(document.activeElement)"
        )


def test_an_address_with_a_place_opens_it_and_the_button_closes_it(browser, page):
    browser.open(f"{page}#{PLACE}")
    browser.until("document.getElementById('dialog').open")
    browser.evaluate("document.getElementById('close').click()")
    assert not is_open(browser)
    browser.open(f"{page}#no-such-place")
    assert not is_open(browser)


def test_the_baseline_is_a_step_away(browser, page):
    browser.open(f"{page}#{PLACE}")
    browser.until("document.getElementById('dialog').open")
    browser.evaluate("document.querySelector('#dialog a[data-opens]').click()")
    browser.until("document.getElementById('dialog-title').textContent.startsWith('ASEN, MAP')")
    browser.evaluate("history.back()")
    browser.until("document.getElementById('dialog-title').textContent.startsWith('MODC(ASEN)')")


@pytest.mark.parametrize("width", [360, 800, 1200, 1800])
def test_the_page_does_not_scroll_sideways(browser, page, width):
    browser.open(page, width=width)
    browser.evaluate("document.querySelectorAll('details').forEach(d => { d.open = true; })")
    browser.evaluate("document.getElementById('show-all').click()")
    root = "document.documentElement"
    assert browser.evaluate(f"{root}.scrollWidth") <= width
    if width == 360:
        # Tables do, in a box of their own, and the names of their rows stay.
        box, name = "#table-1 .scroll", "#table-1 .scroll tbody th"
        browser.evaluate(f"document.querySelector('{box}').scrollLeft = 150")
        assert browser.evaluate(f"document.querySelector('{box}').scrollLeft") == 150
        assert abs(left_of(browser, name) - left_of(browser, box)) < 2


@pytest.mark.parametrize(("width", "is_beside"), [(360, False), (1400, True)])
def test_the_image_stands_beside_the_answer_where_there_is_room(browser, page, width, is_beside):
    browser.open(page, width=width)
    assert (left_of(browser, ".glance") > left_of(browser, "#answer-title") + 300) == is_beside


def left_of(browser, name):
    return browser.evaluate(f"document.querySelector('{name}').getBoundingClientRect().left")


def test_dark_and_light_have_enough_contrast(browser, page):
    for scheme in ("light", "dark"):
        browser.open(page, scheme=scheme)
        colors = browser.evaluate(
            "['color', 'backgroundColor'].map(name =>"
            " getComputedStyle(document.body)[name].match(/\\d+/g).map(Number))"
        )
        light = [luminance(color) for color in colors]
        assert (max(light) + 0.05) / (min(light) + 0.05) > 7
        assert (light[0] < light[1]) == (scheme == "light")


def luminance(color: list[int]) -> float:
    """Relative luminance as WCAG 2 defines it."""
    parts = [c / 255 for c in color]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def test_without_a_script_the_details_are_there(browser, page):
    browser.call("Emulation.setScriptExecutionDisabled", value=True)
    try:
        browser.open(f"{page}#{PLACE}")
        assert browser.evaluate(f"document.getElementById('{PLACE}').checkVisibility()")
        assert shown_parts(browser) == ["ours"]
    finally:
        browser.call("Emulation.setScriptExecutionDisabled", value=False)


def test_it_prints(browser, page):
    browser.open(page)
    browser.call("Emulation.setEmulatedMedia", media="print")
    hidden = ["nav", "#details", "#dialog"]
    assert not any(
        browser.evaluate(f"document.querySelector('{name}').checkVisibility()") for name in hidden
    )
    assert shown_parts(browser) == ["ours"]
    # A4 without its margins, upright, and across for the tables of numbers: what is wider is cut.
    across, upright = 1000, 680
    browser.resize(upright)
    wide = "[...document.querySelectorAll('table')].filter(t => t.scrollWidth > "
    wide += f"(t.closest('#tables') ? {across} : {upright}))"
    assert browser.evaluate(f"{wide}.map(t => [t.caption.textContent, t.scrollWidth])") == []
    browser.call("Emulation.setEmulatedMedia", media="")
    printed = base64.b64decode(browser.call("Page.printToPDF")["data"])
    assert printed.startswith(b"%PDF")
    # What stands below a table is printed with it.
    assert browser.evaluate("document.querySelectorAll('details.notes:not([open])').length") == 0
    # So are the cells of the claims.
    browser.call("Emulation.setEmulatedMedia", media="print")
    cells = "[...document.querySelectorAll('table.cells tbody tr')]"
    # Of each claim.
    assert browser.evaluate(f"{cells}.length") == 51 + 10 + 12 + 54 + 27 + 36 + 36 + 2
    assert browser.evaluate(f"{cells}.every(row => row.checkVisibility())")
    browser.call("Emulation.setEmulatedMedia", media="")
