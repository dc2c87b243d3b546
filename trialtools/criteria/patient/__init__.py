"""One patient and a protocol go in, the reasons come out: verdict tree, open items, why, and the nearest eligible."""

from .grounds import Reason, Why, why
from .items import Answer, ItemSet, OpenItems, open_items
from .nearest import Block, Change, Nearest, nearest_eligible
from .verdict import Explanation, Node, Verdict, explain

__all__ = [
    "Answer",
    "Block",
    "Change",
    "Explanation",
    "ItemSet",
    "Nearest",
    "Node",
    "OpenItems",
    "Reason",
    "Verdict",
    "Why",
    "explain",
    "nearest_eligible",
    "open_items",
    "why",
]
