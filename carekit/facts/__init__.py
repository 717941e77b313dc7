"""Frozen values: the nouns of customer care, the facts that happen to them and the actions that may be asked for."""
