"""Pure decisions over facts: lifecycle, one turn of a conversation, metrics, templates. No I/O, no clock, no randomness."""
