"""The providers that come along, one module each."""
