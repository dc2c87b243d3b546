"""Ids, names and reasons as people type them go in; what tells people apart, and who did what, comes out."""

from __future__ import annotations

import getpass
import os
import platform
import re
import unicodedata
from functools import cache
from importlib.metadata import version

from .chain import LedgerError

_EMPTY = {"asdf", "because", "none", "test", "todo", "reason", "unknown", "name", "nobody", "anonymous"}
"""Words that stand where a name or a reason should stand."""


def check_name(what: str, text: str) -> None:
    """Nothing, where an id or a site is written as it may be kept.

    Raises:
        LedgerError: empty, blanks around it, or letters that cannot be told apart from others.
    """
    if not isinstance(text, str) or not text or text != text.strip():
        raise LedgerError(f"a {what} must not be empty, nor begin or end with blanks")
    if "\0" in text or unicodedata.normalize("NFC", text) != text or any("\ud800" <= c <= "\udfff" for c in text):
        raise LedgerError(f"{what} {short_id(text)} holds letters that cannot be told apart; type it again")


def fold_id(text: str) -> str:
    """An id as it is read aloud: without case, width, blanks and letters that nobody sees; every dash is one.

    >>> fold_id("S\u200b\u201301 ") == fold_id("\uff53-01") == fold_id("S-01")
    True
    """
    kinds = [(c, unicodedata.category(c)) for c in unicodedata.normalize("NFKC", text)]
    letters = ("-" if kind == "Pd" else c for c, kind in kinds if kind not in ("Cf", "Cc", "Mn") and not c.isspace())
    return "".join(letters).casefold()


def signature(act: str, name: str, reason: str) -> dict[str, str]:
    """A name and a reason as they are kept with an act of a person.

    A byte that is no UTF-8, as an older terminal sends it, is read as Latin-1, so that no export ever fails by it.

    Raises:
        LedgerError: no name of two letters, or no reason of four: a point, `none` or the like say nothing.

    >>> signature("an override", "Dr M\\udce9ndez", "agreed with the sponsor")
    {'name': 'Dr Méndez', 'reason': 'agreed with the sponsor'}
    """
    name, reason = readable(name), readable(reason)
    if _substance(name) < 2 or _substance(reason) < 4:
        raise LedgerError(f"{act} needs a name and a reason, in words that somebody else can understand")
    return {"name": name, "reason": reason}


def readable(text: str) -> str:
    """A text without bytes that are no letters: those that Python marks as undecoded are read as Latin-1."""
    text = "".join(chr(ord(c) - 0xDC00) if "\udc80" <= c <= "\udcff" else c for c in text)
    return re.sub("[\x00-\x1f\x7f-\x9f\ud800-\udfff\\s]+", " ", text).strip()


def _substance(text: str) -> int:
    """How many letters a text has; a letter of a script that writes words with one or two counts as two."""
    letters = [c for c in text if c.isalpha()]
    if text.casefold().strip(" .!") in _EMPTY or len(set(text.casefold())) < 2:
        return 0
    return sum(2 if ord(c) >= 0x2E80 else 1 for c in letters)


@cache
def _machine() -> dict[str, str]:
    try:
        import pwd  # POSIX only

        user = pwd.getpwuid(os.getuid()).pw_name
    except (ImportError, KeyError):
        user = getpass.getuser()
    return {"user": user, "host": platform.node(), "version": version("trialtools")}


def author(name: str = "") -> dict[str, str]:
    """Who makes an entry: the user of the operating system, the host, the version, and a name where one is given."""
    return {**_machine(), **({"name": readable(name)} if name else {})}


def short_id(text: str) -> str:
    """An id in a message: on one line, and not too long of it."""
    return repr(text if len(text) <= 40 else f"{text[:37]}...")
