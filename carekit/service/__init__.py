"""Composition: one file plus the installed plugins become a running desk."""
