"""The API for programs: one table of endpoints drives routing, validation, the OpenAPI document and the page."""
