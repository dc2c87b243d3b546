"""What a criterion may say, the protocol that holds it, what can be proved of it, and what it says of one patient."""
