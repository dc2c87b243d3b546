"""Trial data of any shape go in, five tidy tables come out: checked, cut at a day, and pooled where arms are secret."""
