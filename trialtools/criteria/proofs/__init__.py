"""A protocol goes in; what can be said of it without any patient comes out: findings, patients, and proofs of none."""
