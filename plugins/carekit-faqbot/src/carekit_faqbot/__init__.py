"""Answers from a folder of Markdown articles: a bot for carekit, and the help centre its links lead to."""
