"""Reproducers: scripts that show what a runtime did with a case, in the runtime's own API and without linmem.

`script` writes a scenario's steps as code, `recipe` reads how a runtime's code is written (``repro.yaml`` beside its
driver), `languages` has what is the same for a host language, `goal` says how far to go.
"""
