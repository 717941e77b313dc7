"""Contract suites: subclass one, give it the fixtures it asks for, and its tests tell when a plugin is done."""
