"""The policies core itself offers, each one module, registered through the same hook as any plugin's."""
