"""Tests that drive a browser share one fixture."""

from tests.browser import browser as browser
