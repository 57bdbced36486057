"""What a folder that is published holds."""

from enum import StrEnum


class Kind(StrEnum):
    """The kinds of folders that the forge writes and others can open."""

    SHARDS = "shards"
    TOKENS = "tokens"
    GAMES = "games"
    BIDS = "bids"
