//go:build !linux

package kit

import "syscall"

func duplicate(from, to int) error { return syscall.Dup2(from, to) }
