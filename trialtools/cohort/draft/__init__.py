"""A protocol and a table go in, a mapping comes out; only lines that are certain are in force."""
