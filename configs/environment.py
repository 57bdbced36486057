"""The environments in which our processes run: what they need of the caller's, and nothing that changes them."""

from collections.abc import Mapping
from urllib.parse import urlsplit

LOOPBACK = ("127.0.0.1", "localhost")
"""The names under which servers of this machine are reached."""

_NEEDED = frozenset(
    (
        *("HOME", "LANG", "LANGUAGE", "LD_LIBRARY_PATH", "LOGNAME", "PATH", "SHELL", "TMPDIR", "TZ", "USER"),
        *("PYTHONDONTWRITEBYTECODE", "PYTHONHOME", "PYTHONPATH", "PYTHONPYCACHEPREFIX", "VIRTUAL_ENV"),
    )
)
_NO_PROXY = (*LOOPBACK, "::1")
_UNUSABLE = "socks"
"""The scheme that desktops write for SOCKS 5, which HTTP clients in Python refuse."""


def bare(environment: Mapping[str, str]) -> dict[str, str]:
    """What a server needs of the caller's environment: paths, language and user; no settings, proxies or secrets."""
    kept = {name: text for name, text in environment.items() if name in _NEEDED or name.startswith("LC_")}
    return kept | {"DO_NOT_TRACK": "1", "PYTHONUTF8": "1"}


def proxies(environment: Mapping[str, str]) -> dict[str, str]:
    """The proxy variables that send nothing for this machine through a proxy; the rest is as the caller wants it.

    `no_proxy` counts before `NO_PROXY` in some programs and after it in others: both get the same value.
    """
    given = environment.get("no_proxy") or environment.get("NO_PROXY") or ""
    hosts = [host for host in (part.strip() for part in given.split(",")) if host]
    value = ",".join([*hosts, *(host for host in _NO_PROXY if host not in hosts)])
    changed = {"no_proxy": value, "NO_PROXY": value}
    for name, text in environment.items():
        if name.lower() in ("all_proxy", "http_proxy", "https_proxy") and urlsplit(text).scheme == _UNUSABLE:
            changed[name] = text.replace("socks://", "socks5://", 1)
    return changed
