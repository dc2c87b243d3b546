"""`NO`, the code of a country, is false in YAML 1.1: it is refused with its line, and with what to do."""

from cases.common import attempt, protocol


def case():
    message = str(attempt(protocol))
    return ("put the text in quotes" in message, "line 5" in message), (True, True)
