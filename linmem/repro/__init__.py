"""Reproducers: scripts that show what a runtime did with a case, in the runtime's own API and without linmem.

`script` puts a script together from the code of a scenario's steps, which `steps`, `instances` and `agents` write.
`templates` reads how a runtime's code is written (``repro.yaml`` beside its driver), `languages` has what is the same
for a host language, `goal` says how far to go.
"""
