"""A protocol and a table go in, a mapping comes out of which only what is certain stands."""
