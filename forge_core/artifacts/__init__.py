"""The content-addressed store of everything that the pipeline makes."""
