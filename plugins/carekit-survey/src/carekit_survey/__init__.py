"""Surveys for carekit: a question, a scale, and a page that answers a signed link."""
