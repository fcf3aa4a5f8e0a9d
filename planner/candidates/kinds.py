"""What kinds of things the company could do."""

from __future__ import annotations

from enum import StrEnum


class Kind(StrEnum):
    """Kinds of candidates; the value is how tables and files write it, and begins an id."""

    OPEN = "open"
    SHELL = "shell"
    CLOSE = "close"
    POWER = "power"
    TAKE = "take"
    EXIT = "exit"
    SHORT = "short"
    BACK = "back"
    BASE = "base"
    OWN = "own"
    RETIRE = "retire"
    SERVE = "serve"
    HOST = "host"
    RENEW = "renew"
    ACCEPT = "accept"
    BLOCK = "block"
    FABRIC = "fabric"
    SELL = "sell"
    MINE = "mine"
