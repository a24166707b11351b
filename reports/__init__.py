"""Reports: what came out of a run, as a record, a document, pages and tables."""

VERSION = "0.1.0"
