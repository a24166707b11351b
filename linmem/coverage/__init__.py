"""What the suites cover: which memory instructions, which ways of the host, which topics. See `survey`."""
