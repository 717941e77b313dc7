"""What is kept beside the log to be read fast, by readers who go through the log in their own time."""
