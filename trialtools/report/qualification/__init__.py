"""Requirements go in, each is tried on this machine, and a record of what was expected and seen comes out."""
