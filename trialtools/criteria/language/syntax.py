"""Text goes in, Python's syntax tree comes out, or one sentence that says what is wrong and where."""

from __future__ import annotations

import ast
import keyword
import re
import unicodedata
from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

from .errors import ProtocolError

_MAX_LENGTH = 2_000
_MAX_DEPTH = 50
_TOO_DEEP = f"the expression is nested too deeply; at most {_MAX_DEPTH} levels are read"

_LOOKALIKES = {  # what word processors and registries put in the place of plain signs
    **dict.fromkeys("≥≧⩾", ">="),
    **dict.fromkeys("≤≦⩽", "<="),
    **dict.fromkeys("≠", "!="),
    **dict.fromkeys("“”„", '"'),
    **dict.fromkeys("‘’", "'"),
    **dict.fromkeys("−–—", "-"),
    **dict.fromkeys("×·", "*"),
    "÷": "/",
    "¬": "not",
    "∧": "and",
    "∨": "or",
}
_SLIPS = {  # habits of other languages, none of which can stand in an expression
    r"\b(?:AND|And)\b": "write and in small letters",
    r"\b(?:OR|Or)\b": "write or in small letters",
    r"\b(?:NOT|Not)\b": "write not in small letters",
    r"&&?": "'{}' is not part of the language; write and",
    r"\|\|?": "'{}' is not part of the language; write or",
    r"!(?!=)": "'!' is not part of the language; write not",
    r"<>": "'<>' is not part of the language; write !=",
    r"=>": "'=>' is not part of the language; write >=",
    r"=<": "'=<' is not part of the language; write <=",
    r"={3,}": "'{}' is not part of the language; write ==",
    r"(?<![<>=!:])=(?!=)": "a single '=' does not compare; write ==",
    r"(?<![\w.])\d{4}-\d{1,2}-\d{1,2}(?![\w.])": 'a date is written date("2023-01-31")',
    r"(?<![\w.])0\d+": "a number does not begin with 0; write it without",
    r"%": "'%' is not part of the language; a percentage is a plain number",
    r"[;?$`]|:(?!=)": "'{}' is not part of the language",
}
_SLIP = re.compile("|".join(f"({pattern})" for pattern in _SLIPS))
_ODD_NUMBER = re.compile(r"(?>(?:(?<![\w.])\d[\d_]*(?:\.[\d_]*)?|\.\d[\d_]*)(?:[eE][+-]?\d+)?)[A-Za-z]\w*")
_UNFINISHED = re.compile(r"(?:\b(?:and|or|not|in|is)|[<>=+\-*/%,])\s*$")
_COMPARISON = re.compile(r"[<>=!]=?|in\b|is\b")


class _Source(NamedTuple):
    """An expression as Python reads it: the tree, the text that was parsed, and where its characters come from."""

    tree: ast.expr
    text: str
    origin: Sequence[int]

    def span(self, node: ast.AST) -> tuple[int, int]:
        """The place of a node in the text as it was written; Python's tree counts UTF-8 bytes."""
        indent, written = len(self.text) - len(self.text.lstrip()), self.text.encode()
        start, end = getattr(node, "col_offset", 0) + indent, getattr(node, "end_col_offset", 0) + indent
        first, last = (len(written[:place].decode("utf-8", "ignore")) for place in (start, end))
        return self.origin[first], self.origin[max(last - 1, first)] + 1


@lru_cache(1000)  # a protocol reads each expression three times, and again when a threshold moves; no tree is changed
def read(text: str) -> _Source:
    """Python's tree of an expression.

    Raises:
        ProtocolError: too long, empty, or not an expression; a caret marks the place.
    """
    if len(text) > _MAX_LENGTH:
        raise ProtocolError(f"the expression has {len(text):,} characters; at most {_MAX_LENGTH:,} are read")
    if not text.strip():
        raise ProtocolError("the expression is empty; write what must hold, such as 18 <= age <= 85")
    flat = re.sub(r"\s", " ", text)  # every kind of white space a plain space; no character moves
    bare, unclosed = _bare(flat)
    for place, character in enumerate(text):
        if not (character.isprintable() or character.isspace()):
            message = f"the expression holds an invisible character ({_character_name(character)}); retype it"
            raise _fault(text, place, message)
        if character == "\\":
            raise _fault(text, place, "a backslash is not part of the language")
        if bare[place] == "#":
            raise _fault(text, place, "a remark is not part of an expression; put it under why:", len(text.rstrip()))
    if odd := _ODD_NUMBER.search(bare):
        raise _fault(text, odd.start(), "a number is written in plain digits, with a blank behind it", odd.end())
    written, origin = _as_calls(text, flat, bare)
    try:
        tree = ast.parse(written.strip(), mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        if isinstance(error, RecursionError | MemoryError) or "too many nested" in str(error):
            raise ProtocolError(_TOO_DEEP) from None
        indent = len(written) - len(written.lstrip())
        place = min(max((getattr(error, "offset", None) or 1) - 1, 0) + indent, len(written.rstrip()))
        raise _slip(text, bare, unclosed, origin[place]) from None
    if _is_too_deep(tree):
        raise ProtocolError(_TOO_DEEP)
    return _Source(tree, written, origin)


def _is_too_deep(tree: ast.expr) -> bool:
    """Whether parts lie within each other beyond the limit; a list is no level of its own."""
    level: list[ast.AST] = [tree]
    for _ in range(_MAX_DEPTH):
        if not level:
            return False
        inside = [child for node in level for child in ast.iter_child_nodes(node)]
        lists = [node for node in inside if isinstance(node, ast.Tuple | ast.List | ast.Set)]
        level = [node for node in inside if isinstance(node, ast.expr) and node not in lists]
        level += [child for node in lists for child in node.elts]
    return bool(level)


def _as_calls(text: str, flat: str, bare: str) -> tuple[str, Sequence[int]]:
    """`if a then b` as `_if(a, b)`, which Python can read, and the place that each character comes from.

    It ends where its bracket does, or at the next comma; so it stands alone, behind a bracket, a comma or `then`.
    """
    words = list(re.finditer(r"\b(?:if|then)\b", bare, re.IGNORECASE))
    if not words:
        return flat, range(len(flat) + 1)
    if loud := next((match for match in words if not match[0].islower()), None):
        raise _fault(text, loud.start(), f"write {loud[0].lower()} in small letters", loud.end())
    if other := re.search(r"\belse\b", bare):
        message = "'if ... else' is not part of the language; write (if a then b) and (if not a then c)"
        raise _fault(text, words[0].start(), message, other.end())
    written: list[tuple[str, int]] = []
    open_ifs: list[list[int]] = [[]]  # of every open bracket; -1 where `then` has come
    done, ready = 0, True
    for match in re.finditer(r"\b(?:if|then)\b|[()\[\]{},]|$", bare.rstrip()):
        word, start = match[0], match.start()
        written += [(flat[place], place) for place in range(done, start)]
        if word == "if":
            if not ready or bare[done:start].strip():
                message = "'if' begins a condition of its own; put it in brackets: (if a then b)"
                raise _fault(text, start, message, start + 2)
            open_ifs[-1].append(start)
            written += zip("_if(", (start, start, start + 1, start + 1), strict=True)
        elif word == "then":
            if not open_ifs[-1] or open_ifs[-1][-1] < 0:
                raise _fault(text, start, "'then' needs 'if' before it, as in: if a then b", start + 4)
            open_ifs[-1][-1] = -1
            written.append((",", start))
        elif word in ("(", "[", "{"):
            open_ifs.append([])
        else:
            if waiting := [place for place in open_ifs[-1] if place >= 0]:
                raise _fault(text, waiting[-1], "'if' needs 'then', as in: if a then b", waiting[-1] + 2)
            written += [(")", start - 1)] * len(open_ifs[-1])
            open_ifs.pop()
            if word in (",", "") or not open_ifs:
                open_ifs.append([])
        if word not in ("if", "then"):
            written += [(character, start) for character in word]
        done, ready = match.end(), word in ("then", "(", "[", "{", ",")
    written += [(flat[place], place) for place in range(done, len(flat))]
    return "".join(character for character, _ in written), [*(place for _, place in written), len(flat)]


def _bare(text: str) -> tuple[str, int | None]:
    """The text with whatever stands in quotes blotted out, and where a quote is left open."""
    bare = re.sub(r"""(["'])(.*?)(\1|$)""", lambda quoted: quoted[1] + "_" * len(quoted[2]) + quoted[3], text)
    opened = re.match(r"""(?:[^"']|(["'])_*\1)*""", bare)
    return bare, opened.end() if opened and opened.end() < len(text) else None


def _slip(text: str, bare: str, unclosed: int | None, place: int) -> ProtocolError:
    """What a person most likely meant, from the surest sign to the vaguest; Python noticed the fault at `place`."""
    if unclosed is not None:
        return _fault(text, unclosed, "this text has no closing quote", len(text.rstrip()))
    for start, character in enumerate(bare):
        if character in _LOOKALIKES:
            message = f"'{character}' is not part of the language; write {_LOOKALIKES[character]}"
            return _fault(text, start, message)
        if not character.isascii() and not character.isalpha():
            return _fault(text, start, f"'{character}' ({_character_name(character)}) is not part of the language")
    if match := _SLIP.search(bare):
        message = list(_SLIPS.values())[(match.lastindex or 1) - 1].format(match[0])
        return _fault(text, match.start(), message, match.end())
    opened: list[int] = []
    for start, character in enumerate(bare):
        if character in "([{":
            opened.append(start)
        elif character in ")]}" and (not opened or bare[opened.pop()] != "([{"[")]}".index(character)]):
            return _fault(text, start, f"this '{character}' closes nothing that was opened")
    if opened:
        return _fault(text, opened[-1], f"this '{bare[opened[-1]]}' is never closed")
    if match := _UNFINISHED.search(bare):
        message = f"the expression ends too early; something is missing after '{match[0].strip()}'"
        return _fault(text, match.start(), message)
    if match := _COMPARISON.match(bare, place):
        message = f"'{match[0]}' needs a value on its left; a range is written 18 <= age <= 85"
        return _fault(text, place, message, match.end())
    end = re.compile(r"\w+|.").match(bare, place)
    if end and keyword.iskeyword(end[0]) and end[0] not in ("and", "or", "not", "in", "is"):
        message = f"'{end[0]}' is a word of Python's own, which no field can be called"
        return _fault(text, place, message, end.end())
    message = "this does not belong here; conditions are joined with and, or, not"
    return _fault(text, place, message, end.end() if end else place + 1)


def _character_name(character: str) -> str:
    return unicodedata.name(character, "").lower() or f"U+{ord(character):04X}"


def _fault(text: str, start: int, message: str, end: int = 0) -> ProtocolError:
    return ProtocolError(message, text, (start, max(end, start + 1)))
