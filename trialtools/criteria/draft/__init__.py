"""A registry record goes in, a checklist comes out: a protocol file of questions for a person."""
