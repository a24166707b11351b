"""Conformance tests for WebAssembly linear memory as host and guest share it, across runtimes."""

__version__ = "0.2.0"
