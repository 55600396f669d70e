"""A lab bench of real ports that is broken on purpose, at instants drawn from a seed."""
