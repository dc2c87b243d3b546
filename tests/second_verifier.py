"""A second verifier written to the ledger's format alone: `second_verifier.py LEDGER [KEY]` prints the first fault."""

import hashlib
import hmac
import json
import math
import sqlite3
import sys
import unicodedata
from datetime import date, datetime
from itertools import chain, count, product
from pathlib import Path

from nacl.public import PrivateKey, SealedBox

COLUMNS = ["seq", "at", "kind", "patient", "person", "stratum", "position", "kit", "detail", "previous", "hash"]
JUDGED = "site decision failed unknown facts on window against protocol by "
GRAMMAR = {  # what is filled beside the common columns, and the keys of the detail
    "opened": ("", "protocol sha256 bound strata sites kits needs_key public_key commitment by"),
    "mixed": ("", "number giver by"),
    "amended": ("", "sha256 before by"),
    "corrected": ("patient", "name reason by what was now"),
    "allocated": ("patient person stratum position kit", JUDGED + "override"),
    "refused": ("patient person stratum", JUDGED + "why"),
    **dict.fromkeys(["kit", "mixed kit"], ("stratum position kit", "sealed")),
    **dict.fromkeys(["returned", "unblinded"], ("patient kit", "name reason by")),
}


def packed(data):
    return json.dumps(data, sort_keys=True, separators=(",", ":"))


def digest(data):
    return hashlib.sha256(packed(data).encode()).hexdigest()


def fingerprint(cells):
    coded = b""
    for cell in cells:
        assert cell is None or type(cell) in (int, str), "neither text nor number"
        text = str(cell).encode()
        coded += b"n;" if cell is None else b"i%b;" % text if type(cell) is int else b"t%d:%b;" % (len(text), text)
    return hashlib.sha256(coded).hexdigest()


def aloud(name):
    kinds = [(letter, unicodedata.category(letter)) for letter in unicodedata.normalize("NFKC", name)]
    return "".join("-" if k == "Pd" else c for c, k in kinds if not (c.isspace() or k in "Cf Cc Mn")).casefold()


def first_fault(rows, key=None):
    o, last, number, kits, previous = None, None, None, None, ""
    back, people, sealed, turn, kit_of, entered = set(), set(), {}, [], {}, {}
    for seq, row in enumerate(rows, start=1):
        try:
            r = dict(zip(COLUMNS, row, strict=True))
            assert r["seq"] == seq and r["previous"] == previous, "out of the chain"
            assert fingerprint(row[:-1]) == r["hash"] and datetime.fromisoformat(r["at"]).tzname() == "UTC", "hash"
            d, patient, place, kit = json.loads(r["detail"]), r["patient"], r["stratum"], r["kit"]
            before, last, kind, previous = last, r["kind"], r["kind"], r["hash"]
            filled, keys = (set(words.split()) for words in GRAMMAR[kind])
            assert packed(d) == r["detail"] and {c for c in COLUMNS[3:8] if r[c] is not None} == filled, "form"
            assert keys <= set(d) <= keys | ({"second", "synthetic"} if kind == "opened" else set()), "keys"
            assert (kind == "opened") == (seq == 1), "opened once, and first"
            if kind == "opened":
                o, rules, kits = d, d["sha256"], {}
                answers = [d["sites"] if c == "site" else ("yes", "no") for c in d["strata"]]
                levels = [dict(zip(d["strata"], each, strict=True)) for each in product(*answers)]
                levels = {", ".join(f"{c}: {a}" for c, a in level.items()) or "all": level for level in levels}
            if kind == "mixed":
                assert number is None and not kit_of and d["number"].isdecimal(), "mixed in"
                number, kits = d["number"], {}
            if kind in ("kit", "mixed kit"):
                assert before in ({"kit": "opened"}.get(kind, "mixed"), kind), "a kit by itself"
                assert kit not in chain(*kits.values()), "a number twice"
                kits.setdefault(place, []).append(kit)
                assert r["position"] == len(kits[place]), "position"
                sealed[seq] = (kind, place, r["position"], kit, d["sealed"], previous)
            if kind in ("allocated", "refused"):
                decision = "ineligible" if d["failed"] else "undetermined" if d["unknown"] else "eligible"
                assert (d["decision"], d["protocol"], r["person"]) == (decision, rules, aloud(patient)), "judged"
            if kind == "allocated":
                turn.append(place)
                level, pool, at = levels[place], place, turn.count(place)
                if o["needs_key"]:
                    pool, at = f"site: {level['site']}" if "site" in level else "all", r["position"]
                assert level.get("site", d["site"]) == d["site"] and r["position"] == at > 0, "place"
                assert kits[pool][at - 1] == kit, "not the turn of the kit"
                assert patient not in kit_of and kit not in kit_of.values(), "given before"
                assert number or not o.get("second"), "the second number is missing"
                regular = decision == "eligible" and d["window"] in (None, "in window") and not d["against"]
                assert d["override"] or (regular and r["person"] not in people), "nobody answers for it"
                day = str(date.fromisoformat(d["on"]))
                kit_of[patient], entered[patient] = kit, {**d["facts"], "randomized_on": day}
                people.add(r["person"])
            if kind == "amended":
                assert d["before"] == rules, "not in force"
                rules = d["sha256"]
            if kind == "corrected":
                assert entered[patient][d["what"]] == d["was"], "was not entered"
                entered[patient][d["what"]] = d["now"]
            if kind in ("returned", "unblinded"):
                assert kit_of.get(patient) == kit and (kind, kit) not in back, "not given"
                back |= {(kind, kit)} if kind == "returned" else set()
        except (AssertionError, ValueError, TypeError, KeyError, AttributeError, IndexError, RecursionError) as error:
            return seq, repr(error)
    return (1, "empty") if o is None else key and remade(o, list(levels), number, sealed, key)


def blocks(seed, stratum, n, plan):
    text, bag, sizes, ratio = f"trialtools list {stratum}".encode(), {}, plan["sizes"], plan["ratio"]
    octets = chain.from_iterable(hmac.digest(seed, i.to_bytes(8, "big") + text, "sha256") for i in count())
    whole = sum(share for _, share in ratio)
    fresh = [(math.lcm(*sizes) // size, {arm: share * size // whole for arm, share in ratio}) for size in sizes]
    for _ in range(n):
        bags = [(1, bag)] if any(bag.values()) else fresh
        tickets = [(arm, each) for weight, each in bags for arm, left in each.items() for _ in range(weight * left)]
        bits, drawn = (len(tickets) - 1).bit_length(), len(tickets)
        while drawn >= len(tickets):  # the top bits of as many octets as it takes; what is too large is drawn anew
            drawn = int.from_bytes([next(octets) for _ in range(-(-bits // 8))], "big") >> -bits % 8
        arm, bag = tickets[drawn]
        bag = {**bag, arm: bag[arm] - 1}
        yield arm


def remade(o, strata, number, sealed, key):
    private, seed, wanted = PrivateKey(bytes.fromhex(key["private"])), bytes.fromhex(key["seed"]), {}
    secret = {"seed": key["seed"], "salt": key["salt"], "plan": digest(key["plan"])}
    if (o["commitment"], o["public_key"]) != (digest(secret), bytes(private.public_key).hex()):
        return 1, "not the key that was committed to"
    for kind in ("kit", *(["mixed kit"] if number else [])):
        root = seed if kind == "kit" else hmac.digest(seed, f"trialtools mixed {number}".encode(), "sha256")
        for s in strata:
            wanted |= {(kind, s, i): arm for i, arm in enumerate(blocks(root, s, o["kits"], key["plan"]), 1)}
    first = [seq for seq, row in sealed.items() if row[0] == "kit"]
    for seq, (*at, kit, box, hash_) in sealed.items():
        try:
            text = SealedBox(private).decrypt(bytes.fromhex(box)).rstrip(b"\0").decode()
        except Exception as error:  # whatever the library says: what was sealed is not what is here
            return seq, repr(error)
        if text != f"{kit}\n{wanted.pop(tuple(at), None)}" or (seq == first[-1] and hash_ != key["opened"]):
            return seq, "not what the seed makes, or not what the key was made with"
    return (0, "kits are missing") if wanted else None


if __name__ == "__main__":
    rows = sqlite3.connect(sys.argv[1]).execute(f"SELECT {', '.join(COLUMNS)} FROM entries ORDER BY seq")
    fault = first_fault(rows, json.loads(Path(sys.argv[2]).read_text()) if sys.argv[2:] else None)
    sys.exit(f"row {fault[0]}: {fault[1]}" if fault else 0)
