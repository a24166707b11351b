"""A static site made of the records of runs, which anybody can look at who plays nothing."""
