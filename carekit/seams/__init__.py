"""The contracts that plugins implement, and the hooks that find them."""
