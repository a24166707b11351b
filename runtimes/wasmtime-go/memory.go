package main

import (
	"math/big"
	"unsafe"

	"linmem/kit"

	wasmtime "github.com/bytecodealliance/wasmtime-go/v39"
)

type memory struct {
	*wasmtime.Memory
	driver *driver
}

// Same is what wasmtime-go gave, for Go's == to compare.
func (m *memory) Same() any { return m.Memory }

func (m *memory) Pages(uint64) (uint64, error) { return m.Size(m.driver.store()), nil }

func (m *memory) Grow(delta *big.Int) (uint64, error) {
	return m.Memory.Grow(m.driver.store(), kit.Uint64("the number of pages of Memory.Grow", delta))
}

func (m *memory) View(kind string, offset, length *big.Int) (kit.View, error) {
	if kind == "data_ptr" {
		if offset != nil || length != nil {
			panic(kit.Unsupported("Memory.Data has no offset and no length"))
		}
		return &pointer{m.Data(m.driver.store())}, nil
	}
	whole := &kit.Slice{Data: m.UnsafeData(m.driver.store())}
	if offset == nil && length == nil {
		return whole, nil
	}
	if offset == nil {
		offset = new(big.Int)
	}
	return whole.Part(offset, length) // a slice of the slice, as its users make one
}

type pointer struct{ base unsafe.Pointer }

func (p *pointer) at(address *big.Int) unsafe.Pointer { return unsafe.Add(p.base, kit.Int(address)) }

func (p *pointer) Read(at *big.Int, kind string, count *big.Int) (any, error) {
	if kind == "u8" {
		return kit.Typed{Type: kind, Bits: uint64(*(*byte)(p.at(at)))}, nil
	}
	return append([]byte{}, unsafe.Slice((*byte)(p.at(at)), kit.Int(count))...), nil
}

func (p *pointer) Write(at *big.Int, value kit.Value) error {
	data := value.Packed()
	copy(unsafe.Slice((*byte)(p.at(at)), len(data)), data)
	return nil
}

func (p *pointer) Length() (uint64, error) { panic(kit.Unsupported("a pointer has no length")) }
