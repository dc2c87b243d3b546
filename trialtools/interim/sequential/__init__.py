"""Information and errors go in, boundaries come out; what a look found goes in, what may be concluded comes out."""
