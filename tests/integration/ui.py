"""The Prefect UI in a browser, as far as the tests use it."""

import json
import os
import time
from pathlib import Path

from selenium.webdriver import ActionChains, Chrome, Keys
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.ui import Select

from flows.guard import sign_in
from tests.home import wait_for

PICTURES = "FORGE_TEST_PICTURES"
"""The environment variable that names a folder for screenshots."""


class Ui:
    """Opens pages, and finds what is on them by the text that a person reads there."""

    def __init__(self, browser: Chrome, address: str, credential: str) -> None:
        self.browser = browser
        self.address = address
        self.open(sign_in(credential, "/"))
        wait_for(lambda: "/dashboard" in browser.current_url, "the first page after signing in")

    def open(self, path: str) -> None:
        self.browser.get(path if path.startswith("http") else f"{self.address}{path}")

    def see(self, text: str, element: str = "*") -> WebElement:
        """The innermost visible element with this text, once it is there."""

        def look() -> WebElement | None:
            path = f"//{element}[normalize-space(.)={json.dumps(text)}]"
            found = [each for each in self.browser.find_elements(By.XPATH, path) if each.is_displayed()]
            return found[-1] if found else None

        return wait_for(look, f"{text!r} on {self.browser.current_url}")

    def read(self, *texts: str) -> str:
        """The text of the page, once it contains all of these."""

        def look() -> str | None:
            page = self.browser.find_element(By.TAG_NAME, "body").text
            return page if all(text in page for text in texts) else None

        return wait_for(look, f"{texts} on {self.browser.current_url}")

    def click(self, text: str, element: str = "*") -> None:
        self.see(text, element).click()

    def field(self, label: str, *elements: str) -> WebElement:
        """The input (or another element) under a label of a form."""
        kinds = " or ".join(f"self::{element}" for element in elements or ("input", "textarea"))
        labels = f"//*[contains(@class, 'property__label')][starts-with(normalize-space(.), {json.dumps(label)})]"
        path = f"({labels}/following::*[{kinds}])[1]"
        return wait_for(lambda: self.browser.find_elements(By.XPATH, path), f"the field {label}")[0]

    def fill(self, label: str, text: str) -> None:
        """Write a text into a field, in place of what is there."""
        field = self.field(label)
        self.browser.execute_script("arguments[0].scrollIntoView({block: 'center'})", field)
        field.click()
        ActionChains(self.browser).key_down(Keys.CONTROL).send_keys("a").key_up(Keys.CONTROL).perform()
        field.send_keys(text)

    def choices(self, label: str) -> list[str]:
        """What a drop-down offers."""
        return [option.text for option in self._drop_down(label).options]

    def choose(self, label: str, choice: str) -> None:
        """Choose from a drop-down."""
        self._drop_down(label).select_by_visible_text(choice)

    def _drop_down(self, label: str) -> Select:
        return Select(self.field(label, "select"))

    def picture(self, name: str, *, height: int = 1000) -> None:
        """A screenshot, if a folder for them is named."""
        if folder := os.environ.get(PICTURES):
            Path(folder).mkdir(parents=True, exist_ok=True)
            before = self.browser.get_window_size()
            self.browser.set_window_size(1280, height)
            time.sleep(3)  # animations
            self.browser.save_screenshot(str(Path(folder) / f"{name}.png"))
            self.browser.set_window_size(before["width"], before["height"])
