"""A person in a browser that shows nothing: opens what it is given, and clicks on a button.

usage: python clicker.py BROWSER BUTTON LOG URL; the log gets a line for the question and one for the answer.
"""

import sys
from pathlib import Path

from playwright.sync_api import sync_playwright

if __name__ == "__main__":
    browser, button, log, url = sys.argv[1:]
    with sync_playwright() as playwright, Path(log).open("a", encoding="utf-8") as told:
        page = playwright.chromium.launch(executable_path=browser).new_page()
        page.goto(url, wait_until="commit")
        page.wait_for_url("**/page/**")
        print(page.get_by_role("heading", level=1).inner_text(), file=told)
        page.get_by_role("button", name=button, exact=True).click()
        print(page.get_by_role("heading", level=1).inner_text(), file=told)
