"""Lessons go in, what reaches a learner without Jupyter comes out: a quiz, a page with the engine in it, and paper."""
