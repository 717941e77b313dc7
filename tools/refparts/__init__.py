"""The parts of the reference, one module for each kind of thing that is described."""
