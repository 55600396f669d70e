"""Every reader against random pictures of both screens. See `tools/readers/__main__.py`."""
