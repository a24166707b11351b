package main

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math/big"
	"strconv"
	"strings"
)

// A typed value travels as decimal text, a float as its bits. In `bits` it is unsigned and of its type's width.
type typed struct {
	Type string
	bits uint64
}

var widths = map[string]int{"i32": 4, "i64": 8, "f32": 4, "f64": 8,
	"u8": 1, "s8": 1, "u16": 2, "s16": 2, "u32": 4, "s32": 4, "u64": 8, "s64": 8}

func (t typed) MarshalJSON() ([]byte, error) {
	return json.Marshal(map[string]string{"type": t.Type, "value": fmt.Sprint(t.bits)})
}

func (t *typed) UnmarshalJSON(data []byte) error {
	var wire struct {
		Type  string
		Value integer
	}
	err := json.Unmarshal(data, &wire)
	t.Type = wire.Type
	if err == nil {
		t.bits = wire.Value.wrapped(t.Type)
	}
	return err
}

// An integer is a JSON number, a decimal text, or a reference to an earlier result plus a constant.
type integer struct{ raw json.RawMessage }

func (i *integer) UnmarshalJSON(data []byte) error {
	i.raw = append(json.RawMessage(nil), data...)
	return nil
}

func (i integer) value() *big.Int {
	var reference struct {
		Ref  *int64   `json:"$ref"`
		Plus *integer `json:"+"`
	}
	if json.Unmarshal(i.raw, &reference) == nil && reference.Ref != nil {
		found, known := results[*reference.Ref]
		if !known {
			panic(refused("skipped", "", fmt.Sprintf("request %d gave nothing to refer to", *reference.Ref)))
		}
		sum := new(big.Int).SetUint64(found.bits)
		if reference.Plus != nil {
			sum.Add(sum, reference.Plus.value())
		}
		return sum
	}
	number, whole := new(big.Int).SetString(strings.Trim(string(i.raw), `"`), 10)
	if !whole {
		panic(&failure{code: -32602, text: "not an integer: " + string(i.raw)})
	}
	return number
}

func (i integer) isGiven() bool { return len(i.raw) > 0 && string(i.raw) != "null" }

// wrapped is the integer as bits of a type's width.
func (i integer) wrapped(name string) uint64 {
	modulus := new(big.Int).Lsh(big.NewInt(1), uint(8*widths[name]))
	return new(big.Int).Mod(i.value(), modulus).Uint64()
}

// uint32 is the integer for a parameter of that type, and int for an index. Go has no such value for one that does not
// fit, and its users learn of that where they read the text: so the error is strconv's.
func (i integer) uint32() uint32 {
	found, err := strconv.ParseUint(i.value().String(), 10, 32)
	return uint32(unless(err, found))
}

func (i integer) int() int {
	found, err := strconv.ParseInt(i.value().String(), 10, 64)
	return int(unless(err, found))
}

func unless[T any](err error, value T) T {
	if err != nil {
		panic(refused("host", fmt.Sprintf("%T", err), err.Error()))
	}
	return value
}

// packed is a memory value as its bytes. C would cut off what does not fit without a word, and so would its users.
func packed(name string, value integer) []byte {
	return binary.LittleEndian.AppendUint64(nil, value.wrapped(name))[:widths[name]]
}

func unpacked(bytes []byte) uint64 {
	return binary.LittleEndian.Uint64(append(append([]byte{}, bytes...), make([]byte, 8)...))
}
