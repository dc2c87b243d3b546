"""One patient and a protocol go in, the reasons come out: verdict tree, open items, and the nearest eligible."""

from .items import Answer, ItemSet, OpenItems, open_items
from .nearest import Block, Change, Nearest, nearest_eligible
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
