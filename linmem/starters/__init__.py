"""Beginnings for users: what a module has, and first files to go on from."""
