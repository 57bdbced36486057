"""What all tests share."""

from hypothesis import settings

settings.register_profile("forge", deadline=None, derandomize=True)
settings.load_profile("forge")
