package kit

import "syscall"

// duplicate makes a descriptor another name of an open file. dup2 is not there on every architecture.
func duplicate(from, to int) error { return syscall.Dup3(from, to, 0) }
