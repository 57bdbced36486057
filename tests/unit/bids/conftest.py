"""The poster is looked at in a browser."""

from tests.browser import browser as browser
