package kit

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math"
	"math/big"
	"strconv"
)

// Types are all memory types.
var Types = []string{"u8", "s8", "u16", "s16", "u32", "s32", "u64", "s64", "f32", "f64", "bytes"}

var widths = map[string]int{"i32": 4, "i64": 8, "f32": 4, "f64": 8, "bytes": 1,
	"u8": 1, "s8": 1, "u16": 2, "s16": 2, "u32": 4, "s32": 4, "u64": 8, "s64": 8}

// Width is how many bytes a value of the type takes.
func Width(kind string) int { return widths[kind] }

// Typed is a value on its way between host and guest. Its bits are unsigned, of its type's width, a float's pattern.
// IsSigned says that the API gave it as a signed integer.
type Typed struct {
	Type     string
	Bits     uint64
	IsSigned bool
}

func (t Typed) MarshalJSON() ([]byte, error) {
	value := strconv.FormatUint(t.Bits, 10)
	if t.IsSigned {
		value = strconv.FormatInt(t.Signed(), 10)
	}
	return []byte(`{"type":"` + t.Type + `","value":"` + value + `"}`), nil
}

// Signed is the number in two's complement.
func (t Typed) Signed() int64 {
	shift := 64 - 8*widths[t.Type]
	return int64(t.Bits<<shift) >> shift
}

// A Value to be written: bytes, a number, or one of the host's language.
type Value struct {
	Type   string
	Number *big.Int // of a float: its bits
	Bytes  []byte
	IsHost bool
}

// Bits is the number as bits of the value's type, for an API or a conversion that takes one of Go's sized types. A
// constant that does not fit does not compile in Go.
func (v Value) Bits() uint64 {
	if v.IsHost && (v.Number == nil || v.Type[0] == 'f') {
		panic(NotExpressible("a Go value of another type does not compile where a %s is written", v.Type))
	}
	low, high := new(big.Int), new(big.Int).Lsh(big.NewInt(1), uint(8*widths[v.Type]))
	if v.Type[0] == 's' {
		high.Rsh(high, 1)
		low.Neg(high)
	}
	if v.Number.Cmp(low) < 0 || v.Number.Cmp(high) >= 0 {
		panic(NotExpressible("%s is no %s: as a constant it does not compile, and a conversion is the user's own", v.Number, v.Type))
	}
	return uint64(wrapped(v.Number, v.Type))
}

// Packed is the value as bytes, for an API that takes them.
func (v Value) Packed() []byte {
	if v.Type == "bytes" && !v.IsHost {
		return v.Bytes
	}
	return binary.LittleEndian.AppendUint64(nil, v.Bits())[:widths[v.Type]]
}

// Unpacked is the number that bytes hold.
func Unpacked(kind string, data []byte) Typed {
	var whole [8]byte
	copy(whole[:], data)
	return Typed{Type: kind, Bits: binary.LittleEndian.Uint64(whole[:])}
}

// Int is an address or a length for Go's own slices, whose indices are of type int.
func Int(number *big.Int) int {
	if !number.IsInt64() {
		panic(NotExpressible("an index is an int, and %s is none", number))
	}
	return int(number.Int64())
}

// Uint32 is an argument of that type; what names it in the refusal of any other number.
func Uint32(what string, number *big.Int) uint32 {
	if !number.IsUint64() || number.Uint64() > math.MaxUint32 {
		panic(NotExpressible("%s is a uint32, and %s is none", what, number))
	}
	return uint32(number.Uint64())
}

// Uint64 is an argument of that type.
func Uint64(what string, number *big.Int) uint64 {
	if !number.IsUint64() {
		panic(NotExpressible("%s is a uint64, and %s is none", what, number))
	}
	return number.Uint64()
}

// wrapped is an integer of any size as the bits of a type.
func wrapped(number *big.Int, kind string) uint64 {
	modulus := new(big.Int).Lsh(big.NewInt(1), uint(8*widths[kind]))
	return new(big.Int).Mod(number, modulus).Uint64()
}

// An integer of a request: a JSON number, a decimal text, or a reference to an earlier result plus a constant.
type integer struct{ raw json.RawMessage }

func (i *integer) UnmarshalJSON(data []byte) error {
	i.raw = append(json.RawMessage(nil), data...)
	return nil
}

func (i integer) given() bool { return len(i.raw) > 0 && string(i.raw) != "null" }

func (s *session) integer(from integer) *big.Int {
	if len(from.raw) > 0 && from.raw[0] == '{' {
		return s.reference(from.raw)
	}
	text := string(from.raw)
	if len(text) > 1 && text[0] == '"' {
		text = text[1 : len(text)-1]
	}
	number, whole := new(big.Int).SetString(text, 10)
	if !whole {
		panic(wrong("not an integer: %s", from.raw))
	}
	return number
}

func (s *session) reference(raw json.RawMessage) *big.Int {
	var reference struct {
		Ref  int64   `json:"$ref"`
		Plus integer `json:"+"`
	}
	decode(raw, &reference)
	found, known := s.results[reference.Ref]
	if !known && s.failed[reference.Ref] {
		panic(skipped("request %d failed", reference.Ref))
	}
	if !known {
		panic(wrong("request %d gave nothing to refer to", reference.Ref))
	}
	sum := new(big.Int).SetUint64(found.Bits)
	if reference.Plus.given() {
		sum.Add(sum, s.integer(reference.Plus))
	}
	return sum
}

func (s *session) optional(from integer) *big.Int {
	if !from.given() {
		return nil
	}
	return s.integer(from)
}

type argument struct {
	Type  string
	Value integer
}

func (s *session) typed(from argument) Typed {
	switch from.Type {
	case "i32", "i64", "f32", "f64":
		return Typed{Type: from.Type, Bits: wrapped(s.integer(from.Value), from.Type)}
	}
	panic(Unsupported("the driver passes no %s values", from.Type))
}

func (s *session) arguments(from []argument) []Typed {
	found := make([]Typed, len(from))
	for i, item := range from {
		found[i] = s.typed(item)
	}
	return found
}

func (s *session) value(kind string, raw json.RawMessage) Value {
	var given struct {
		Host  string
		Bytes []byte
		Value json.RawMessage
	}
	decode(raw, &given)
	value := Value{Type: kind, Bytes: given.Bytes, IsHost: given.Host != ""}
	if given.Host == "integer" || given.Host == "" && kind != "bytes" {
		value.Number = s.integer(integer{given.Value})
	}
	return value
}

func decode(from json.RawMessage, to any) {
	if err := json.Unmarshal(from, to); err != nil {
		panic(wrong("%s", err))
	}
}

// A Refusal is an answer of the driver's own.
type Refusal struct {
	code          int
	kind          string
	message       string
	inexpressible bool
}

// Unsupported is the refusal of what the API has no way to do, or the driver does not do.
func Unsupported(format string, args ...any) *Refusal {
	return &Refusal{code: -32000, kind: "unsupported", message: fmt.Sprintf(format, args...)}
}

// NotExpressible is the refusal of what the API's types leave no way to write.
func NotExpressible(format string, args ...any) *Refusal {
	refusal := Unsupported(format, args...)
	refusal.inexpressible = true
	return refusal
}

func skipped(format string, args ...any) *Refusal {
	return &Refusal{code: -32000, kind: "skipped", message: fmt.Sprintf(format, args...)}
}

func wrong(format string, args ...any) *Refusal {
	return &Refusal{code: -32602, message: fmt.Sprintf(format, args...)}
}

// Answered is the error of an API that says no with a value: false, nil, a negative number.
type Answered struct{ Value, Message string }

func (a *Answered) Error() string { return a.Message }

// No is an Answered for a call that returned value.
func No(value, call string) error {
	return &Answered{value, call + " returned " + value}
}
