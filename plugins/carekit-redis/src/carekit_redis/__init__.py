"""A bus for carekit over Redis: hints from process to process, and nothing else kept there."""
