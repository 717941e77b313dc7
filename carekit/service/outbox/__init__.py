"""After the commit: bots answer and channels send, each destination apart from the others."""
