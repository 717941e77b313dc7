"""Pure decisions over facts: lifecycle, the turn, metrics, templates. No I/O, no clock, no randomness."""
