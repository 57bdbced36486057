"""Played hands from elsewhere: read them, and tell of every decision what it gave up.

played   one played hand, checked against the rules; files of them (JSON, CSV)
judge    each decision beside the best one: with all hands open, and as E[Q] from what the seat saw

docs/review.md has the file formats.
"""
