"""The one way in: commands, the rules that decide on them, and the one transaction they share."""
