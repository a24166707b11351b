"""A real Chromium for the report's page: found on the machine, alone with the page, and listened to."""

from __future__ import annotations

import os
import shutil
import time
from contextlib import contextmanager

import pytest
from playwright.sync_api import sync_playwright

FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update",
    "--disable-sync", "--no-first-run",
)  # fmt: skip
NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


def find_chromium():
    """The browser's program. Without one the tests are skipped on a laptop, and fail in CI."""
    named = os.environ.get("LINMEM_CHROMIUM")
    found = named or next(filter(None, map(shutil.which, NAMES)), None)
    if found is None:
        reason = "no Chromium on PATH; install one, or name one with LINMEM_CHROMIUM"
        if os.environ.get("CI", "").lower() in ("1", "true"):
            pytest.fail(reason)
        pytest.skip(reason)
    return found


@contextmanager
def chromium():
    program = find_chromium()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=FLAGS)
        yield browser
        browser.close()


class Visit:
    """A page that is open, and all it complained of."""

    def __init__(self, browser, path, fragment="", width=1280, height=900, scheme="light", **more):
        self.faults = []
        self.context = browser.new_context(viewport={"width": width, "height": height}, color_scheme=scheme, **more)
        self.context.set_default_timeout(60_000)
        self.page = self.context.new_page()
        self.page.on("console", lambda message: self.faults.append(f"console: {message.text}"))
        self.page.on("pageerror", lambda error: self.faults.append(f"error: {error}"))
        self.page.on("request", self._asked)
        self.page.on("dialog", lambda dialog: (self.faults.append(f"dialog: {dialog.message}"), dialog.dismiss()))
        self.url = path.as_uri()
        self.page.goto(self.url + (f"#{fragment}" if fragment else ""))

    def _asked(self, request):
        if not request.url.startswith((self.url, "data:")):
            self.faults.append(f"it asked for {request.url}")

    def until(self, condition, wanted=True):
        """Wait until an expression has the value that is wanted; the page's policy forbids Playwright's own way."""
        self._wait(condition, lambda: self.page.evaluate(condition), wanted)

    def _wait(self, what, look, wanted):
        end = time.monotonic() + 60
        while (value := look()) != wanted:
            assert time.monotonic() < end, f"{what} is {value!r}, not {wanted!r}"
            self.page.wait_for_timeout(20)

    def open_all(self):
        """Open every details element, those inside of others too."""
        for _ in range(4):
            self.page.evaluate("for (const one of document.querySelectorAll('details')) one.open = true")
            self.page.wait_for_timeout(50)

    def go(self, fragment):
        self.page.evaluate("fragment => { location.hash = fragment; }", fragment)

    @property
    def fragment(self):
        return self.page.evaluate("decodeURIComponent(location.hash.slice(1))")

    def is_at(self, fragment=None, view=None):
        """Wait until the address and the view are these: a page answers to a link later than the click ends."""
        if fragment is not None:
            self.until("decodeURIComponent(location.hash.slice(1))", fragment)
        if view is not None:
            self.until("document.documentElement.dataset.view", view)

    def shifts(self):
        """How far what was shown has jumped since the page began to load (the sum of layout shifts; 0: not at all)."""
        script = """() => new Promise((done) => {
          let sum = 0;
          new PerformanceObserver((list) => { for (const one of list.getEntries()) sum += one.value; })
            .observe({ type: "layout-shift", buffered: true });
          setTimeout(() => done(sum), 200);
        })"""
        return self.page.evaluate(script)

    def text(self, selector):
        return " ".join(self.page.locator(selector).first.inner_text().split())

    def shows(self, selector, count):
        """Wait until so many elements are visible."""
        seen = self.page.locator(selector).filter(visible=True)
        self._wait(f"the number of {selector}", seen.count, count)
