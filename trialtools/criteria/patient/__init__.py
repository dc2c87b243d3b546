"""One patient and a protocol go in, the reasons come out: verdict tree, open items, and the nearest eligible."""
