package kit

import (
	"math/big"
	"slices"
)

// A view is one that was opened, and its kind.
type view struct {
	View
	kind string
}

// open opens a fresh view, of the kind that is asked for or of the default for the type.
func (s *session) open(memory Memory, asked *string, kind string, offset, length *big.Int) (*view, error) {
	about := s.driver.About()
	name := about.Defaults[kind]
	if asked != nil {
		name = *asked
	}
	s.supported(name, "")
	opened, err := memory.View(name, offset, length)
	return &view{opened, name}, err
}

func (s *session) supported(name, kind string) {
	for _, known := range s.driver.About().Views {
		if known.Kind == name {
			if kind != "" && !slices.Contains(known.Types, kind) {
				panic(Unsupported("%s does not do %s", name, kind))
			}
			return
		}
	}
	panic(Unsupported("no view kind %s", name))
}

func (p *params) viewKind() *string {
	if !isGiven(p.View) {
		return nil
	}
	var name string
	decode(p.View, &name)
	return &name
}

func readMemory(s *session, id int64, p *params) (any, error) {
	memory := s.memory(p.Memory)
	at, count := s.integer(p.At), s.count(p)
	fresh, err := s.open(memory, p.viewKind(), p.Type, nil, nil)
	if err != nil {
		return nil, err
	}
	return s.read(id, fresh, at, p.Type, count)
}

func writeMemory(s *session, _ int64, p *params) (any, error) {
	memory := s.memory(p.Memory)
	at, value := s.integer(p.At), s.value(p.Type, p.Value)
	fresh, err := s.open(memory, p.viewKind(), p.Type, nil, nil)
	if err != nil {
		return nil, err
	}
	s.supported(fresh.kind, p.Type)
	return done, fresh.Write(at, value)
}

func (s *session) count(p *params) *big.Int {
	if p.Type != "bytes" {
		return big.NewInt(1)
	}
	return s.integer(p.Count)
}

func (s *session) read(id int64, from *view, at *big.Int, kind string, count *big.Int) (any, error) {
	s.supported(from.kind, kind)
	found, err := from.Read(at, kind, count)
	if err != nil {
		return nil, err
	}
	if number, ok := found.(Typed); ok {
		s.results[id] = number
		return object{"value": number}, nil
	}
	data := found.([]byte)
	if kind != "bytes" && len(data) == Width(kind) {
		s.results[id] = Unpacked(kind, data)
	}
	return object{"bytes": append([]byte{}, data...)}, nil // nil would be null
}

func openView(s *session, id int64, p *params) (any, error) {
	offset, length := s.optional(p.Offset), s.optional(p.Length)
	if isGiven(p.View) {
		whole := s.kept(p)
		part, ok := whole.View.(Part)
		if !ok {
			panic(Unsupported("%s has no way to open a part of it", whole.kind))
		}
		if offset == nil {
			offset = new(big.Int)
		}
		opened, err := part.Part(offset, length)
		return s.keep(id, &view{opened, whole.kind}, err)
	}
	opened, err := s.open(s.memory(p.Memory), p.Kind, "u8", offset, length)
	return s.keep(id, opened, err)
}

func (s *session) kept(p *params) *view {
	id := s.integer(integer{p.View})
	return find[*view](s, "view", s.objects, id.Int64())
}

func length(s *session, id int64, p *params) (any, error) {
	count, err := s.kept(p).Length()
	return object{"length": s.number(id, count, err)}, err
}

func readView(s *session, id int64, p *params) (any, error) {
	return s.read(id, s.kept(p), s.integer(p.At), p.Type, s.count(p))
}

func writeView(s *session, _ int64, p *params) (any, error) {
	kept := s.kept(p)
	s.supported(kept.kind, p.Type)
	return done, kept.Write(s.integer(p.At), s.value(p.Type, p.Value))
}

// A Slice is a way into memory that is a slice of Go's: an index is checked against the length that the slice was made
// with. Numbers are read and written at a byte's index with encoding/binary.
type Slice struct{ Data []byte }

func (s *Slice) Read(at *big.Int, kind string, count *big.Int) (any, error) {
	index := Int(at)
	if kind == "u8" {
		return Typed{Type: kind, Bits: uint64(s.Data[index])}, nil
	}
	if kind == "bytes" {
		return s.Data[index : index+Int(count)], nil
	}
	return s.Data[index : index+Width(kind)], nil
}

func (s *Slice) Write(at *big.Int, value Value) error {
	index, data := Int(at), value.Packed()
	if value.Type == "u8" {
		s.Data[index] = data[0]
		return nil
	}
	copy(s.Data[index:index+len(data)], data)
	return nil
}

func (s *Slice) Length() (uint64, error) { return uint64(len(s.Data)), nil }

func (s *Slice) Part(offset, length *big.Int) (View, error) {
	start, stop := Int(offset), len(s.Data)
	if length != nil {
		stop = start + Int(length)
	}
	return &Slice{s.Data[start:stop]}, nil
}
