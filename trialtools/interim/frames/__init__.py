"""A look goes in, a section of the interim report comes out as a frame: by arm, or pooled where no arm is told."""
