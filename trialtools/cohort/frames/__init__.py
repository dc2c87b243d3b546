"""A screening goes in, tidy frames come out: where patients are lost, what they lack, what a reading moves."""
