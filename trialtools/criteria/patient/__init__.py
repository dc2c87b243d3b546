"""One patient and a protocol go in, the reasons come out: verdict tree, open items, and the nearest eligible."""

from .advice import Answer, Block, Change, ItemSet, Nearest, OpenItems, nearest_eligible, open_items
from .tree import Node
from .verdict import Explanation, Verdict, explain

__all__ = [
    "Answer",
    "Block",
    "Change",
    "Explanation",
    "ItemSet",
    "Nearest",
    "Node",
    "OpenItems",
    "Verdict",
    "explain",
    "nearest_eligible",
    "open_items",
]
