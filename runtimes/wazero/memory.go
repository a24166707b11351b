package main

import (
	"math"
	"math/big"

	"linmem/kit"

	"github.com/tetratelabs/wazero/api"
)

type memory struct{ api.Memory }

func exportedMemory(of api.Module, name string) (kit.Memory, error) {
	found := of.ExportedMemory(name)
	if found == nil {
		return nil, kit.No("nil", "Module.ExportedMemory")
	}
	return &memory{found}, nil
}

// Same is what wazero gave, for Go's == to compare.
func (m *memory) Same() any { return m.Memory }

func (m *memory) Pages(pageSize uint64) (uint64, error) { return uint64(m.Size()) / pageSize, nil }

func (m *memory) Grow(delta *big.Int) (uint64, error) {
	before, ok := m.Memory.Grow(kit.Uint32("the number of pages of Memory.Grow", delta))
	if !ok {
		return 0, kit.No("false", "Memory.Grow")
	}
	return uint64(before), nil
}

func (m *memory) View(kind string, offset, length *big.Int) (kit.View, error) {
	if kind == "slice" {
		start, count := uint32(0), m.Size()
		if offset != nil {
			start = kit.Uint32("the offset of Memory.Read", offset)
			count -= start
		}
		if length != nil {
			count = kit.Uint32("the byte count of Memory.Read", length)
		}
		found, ok := m.Read(start, count)
		if !ok {
			return nil, kit.No("false", "Memory.Read")
		}
		return &kit.Slice{Data: found}, nil
	}
	if offset != nil || length != nil {
		panic(kit.Unsupported("Memory's methods have no views with an offset or a length"))
	}
	if kind == "read_le" {
		return &numbers{m.Memory}, nil
	}
	return &bytes{m.Memory}, nil
}

// bytes are Memory.Read and Memory.Write.
type bytes struct{ api.Memory }

func (b *bytes) Read(at *big.Int, kind string, count *big.Int) (any, error) {
	wanted := uint32(kit.Width(kind))
	if kind == "bytes" {
		wanted = kit.Uint32("the byte count of Memory.Read", count)
	}
	found, ok := b.Memory.Read(offset("Read", at), wanted)
	if !ok {
		return nil, kit.No("false", "Memory.Read")
	}
	return found, nil
}

func (b *bytes) Write(at *big.Int, value kit.Value) error {
	if !b.Memory.Write(offset("Write", at), value.Packed()) {
		return kit.No("false", "Memory.Write")
	}
	return nil
}

func (b *bytes) Length() (uint64, error) { return uint64(b.Size()), nil }

// numbers are the methods that read and write a number each.
type numbers struct{ api.Memory }

func (n *numbers) Read(at *big.Int, kind string, _ *big.Int) (any, error) {
	var bits uint64
	var ok bool
	var name string
	switch kind {
	case "u8":
		name = "ReadByte"
		found, isThere := n.ReadByte(offset(name, at))
		bits, ok = uint64(found), isThere
	case "u16":
		name = "ReadUint16Le"
		found, isThere := n.ReadUint16Le(offset(name, at))
		bits, ok = uint64(found), isThere
	case "u32":
		name = "ReadUint32Le"
		found, isThere := n.ReadUint32Le(offset(name, at))
		bits, ok = uint64(found), isThere
	case "u64":
		name = "ReadUint64Le"
		bits, ok = n.ReadUint64Le(offset(name, at))
	case "f32":
		name = "ReadFloat32Le"
		found, isThere := n.ReadFloat32Le(offset(name, at))
		bits, ok = uint64(math.Float32bits(found)), isThere
	case "f64":
		name = "ReadFloat64Le"
		found, isThere := n.ReadFloat64Le(offset(name, at))
		bits, ok = math.Float64bits(found), isThere
	}
	if !ok {
		return nil, kit.No("false", "Memory."+name)
	}
	return kit.Typed{Type: kind, Bits: bits}, nil
}

func (n *numbers) Write(at *big.Int, value kit.Value) error {
	var ok bool
	var name string
	bits := value.Bits()
	switch value.Type {
	case "u8":
		name = "WriteByte"
		ok = n.WriteByte(offset(name, at), byte(bits))
	case "u16":
		name = "WriteUint16Le"
		ok = n.WriteUint16Le(offset(name, at), uint16(bits))
	case "u32":
		name = "WriteUint32Le"
		ok = n.WriteUint32Le(offset(name, at), uint32(bits))
	case "u64":
		name = "WriteUint64Le"
		ok = n.WriteUint64Le(offset(name, at), bits)
	case "f32":
		name = "WriteFloat32Le"
		ok = n.WriteFloat32Le(offset(name, at), math.Float32frombits(uint32(bits)))
	case "f64":
		name = "WriteFloat64Le"
		ok = n.WriteFloat64Le(offset(name, at), math.Float64frombits(bits))
	}
	if !ok {
		return kit.No("false", "Memory."+name)
	}
	return nil
}

func (n *numbers) Length() (uint64, error) { return uint64(n.Size()), nil }

func offset(method string, at *big.Int) uint32 { return kit.Uint32("the offset of Memory."+method, at) }
