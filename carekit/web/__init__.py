"""The HTTP edge: API, health, and the routes that plugins mount."""
