"""What core itself offers, registered through the same hooks as any plugin: policies, memory store, loopback."""
