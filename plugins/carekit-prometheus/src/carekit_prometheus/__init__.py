"""A desk's figures in the text format of Prometheus."""
