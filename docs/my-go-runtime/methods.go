package main

import (
	"encoding/json"
	"os"
	"strings"
)

// params are all parameters that methods have. Their names tell what they are; Go's JSON reads base64 as bytes.
type params struct {
	Bytes                              []byte
	Module, Instance, Memory           int64
	Objects                            []int64
	Name, Type                         string
	Imports                            []imported
	Glue, Wasi                         json.RawMessage
	Args                               []argument
	Results                            []string
	Min, Max, Delta, At, Count, Offset integer
	Index, View, Length                json.RawMessage // View: a kind's name, or an object
	Shared, All, Store                 bool
	PageSize                           json.RawMessage `json:"page_size"`
	Value                              json.RawMessage
}

// An argument's value may refer to an earlier result, so it is looked at when the call is made.
type argument struct {
	Type  string
	Value integer
}

type imported struct {
	Module, Name     string
	Func             *string
	Type             struct{ Params, Results []string }
	Object, Instance *int64
	Export           string
	Global           *struct {
		argument
		Mutable bool
	}
}

var methods map[string]func(int64, params) object

func init() { // not where it is declared: the methods use what uses this table
	methods = map[string]func(int64, params) object{
		"initialize": initialize, "shutdown": shutdown, "object.release": objectRelease,
		"module.compile": moduleCompile, "instance.create": instanceCreate, "function.call": functionCall,
		"memory.export": memoryExport, "memory.create": memoryCreate, "memory.size": memorySize,
		"memory.grow": memoryGrow, "memory.read": memoryRead, "memory.write": memoryWrite,
		"view.open": viewOpen, "view.length": viewLength, "view.read": viewRead, "view.write": viewWrite,
	}
}

func initialize(int64, params) object {
	types := strings.Fields("u8 s8 u16 s16 u32 s32 u64 s64 f32 f64 bytes")
	defaults := map[string]string{}
	for _, name := range types {
		defaults[name] = "slice"
	}
	return object{
		"protocol":      1,
		"runtime":       object{"name": "my-go-runtime", "version": version, "engine": "Wasmtime " + version + ", C API"},
		"host":          object{"language": "Go", "version": strings.TrimPrefix(goVersion, "go"), "implementation": "gc"},
		"views":         []object{{"kind": "slice", "unit": 1, "types": types}},
		"default_views": defaults,
		"glue":          []string{},
	}
}

func shutdown(id int64, _ params) object {
	send(object{"id": id, "result": object{}})
	os.Exit(0)
	return nil
}

func objectRelease(_ int64, p params) object {
	for _, id := range p.Objects {
		delete(objects, id)
		delete(modules, id)
	}
	if p.Store {
		for id, object := range objects {
			if _, isView := object.(*view); !isView { // views are what may be left dangling
				delete(objects, id)
			}
		}
		releaseStore()
	}
	if p.All {
		clear(objects)
		clear(results)
		clear(failed)
		hostFunctions = nil
		releaseStore()
	}
	return object{}
}

func moduleCompile(id int64, p params) object {
	modules[id] = compile(p.Bytes)
	return object{}
}

func instanceCreate(id int64, p params) object {
	if isGiven(p.Glue) || isGiven(p.Wasi) {
		panic(refused("unsupported", "", "this driver runs no glue and no WASI"))
	}
	module := find[*module](modules, p.Module)
	given := map[[2]string]extern{}
	for _, item := range p.Imports {
		given[[2]string{item.Module, item.Name}] = item.extern()
	}
	objects[id] = module.instantiate(given)
	return object{}
}

func (i imported) extern() extern {
	switch {
	case i.Func != nil:
		hostFunctions = append(hostFunctions, hostFunction{*i.Func, i.Type.Params, i.Type.Results})
		return newHostFunction(len(hostFunctions)-1, i.Type.Params, i.Type.Results)
	case i.Object != nil:
		return find[*memory](objects, *i.Object).extern()
	case i.Instance != nil:
		return find[*instance](objects, *i.Instance).export(i.Export)
	default:
		return newGlobal(i.Global.typed(), i.Global.Mutable)
	}
}

func (a argument) typed() typed { return typed{a.Type, a.Value.wrapped(a.Type)} }

func functionCall(id int64, p params) object {
	instance := find[*instance](objects, p.Instance)
	args := make([]typed, len(p.Args))
	for i, given := range p.Args {
		args[i] = given.typed()
	}
	found := instance.call(p.Name, args, p.Results)
	if len(found) > 0 {
		results[id] = found[0]
	}
	return object{"values": found}
}

func memoryExport(id int64, p params) object {
	objects[id] = find[*instance](objects, p.Instance).memory(p.Name)
	return object{}
}

func memoryCreate(id int64, p params) object {
	if p.Shared || string(p.Index) == `"i64"` || isGiven(p.PageSize) {
		panic(refused("unsupported", "", "wasm_limits_t knows no shared memories, 64-bit ones or other page sizes"))
	}
	max := uint32(0xffffffff) // wasm_limits_max_default: no maximum
	if p.Max.isGiven() {
		max = p.Max.uint32()
	}
	objects[id] = newMemory(p.Min.uint32(), max)
	return object{}
}

func memorySize(id int64, p params) object {
	return pages(id, find[*memory](objects, p.Memory).size())
}

func memoryGrow(id int64, p params) object {
	return pages(id, find[*memory](objects, p.Memory).grow(p.Delta.uint32()))
}

func pages(id int64, count uint32) object {
	results[id] = typed{"u64", uint64(count)}
	return object{"pages": count}
}

func memoryRead(id int64, p params) object {
	return read(id, find[*memory](objects, p.Memory).view(), p.At, p)
}

func memoryWrite(_ int64, p params) object {
	return write(find[*memory](objects, p.Memory).view(), p.At, p)
}

func viewOpen(id int64, p params) object {
	if p.Offset.isGiven() || isGiven(p.Length) {
		panic(refused("unsupported", "", "wasm_memory_data takes neither an offset nor a length"))
	}
	objects[id] = find[*memory](objects, p.Memory).view()
	return object{}
}

func viewLength(id int64, p params) object {
	length := uint64(len(opened(p).bytes))
	results[id] = typed{"u64", length}
	return object{"length": length}
}

func viewRead(id int64, p params) object     { return read(id, opened(p), p.At, p) }
func viewWrite(_ int64, p params) object     { return write(opened(p), p.At, p) }
func isGiven(parameter json.RawMessage) bool { return integer{parameter}.isGiven() }

func opened(p params) *view {
	id := integer{p.View}.value()
	return find[*view](objects, id.Int64())
}

func read(id int64, from *view, at integer, p params) object {
	count := widths[p.Type]
	if p.Type == "bytes" {
		count = p.Count.int()
	}
	start := at.int()
	found := from.bytes[start : start+count]
	if p.Type != "bytes" {
		results[id] = typed{p.Type, unpacked(found)}
	}
	return object{"bytes": found}
}

func write(to *view, at integer, p params) object {
	var value struct {
		Host  string
		Bytes []byte
		Value json.RawMessage
	}
	decode(p.Value, &value)
	if value.Host != "" {
		panic(refused("unsupported", "", "a slice of bytes takes bytes: no program with another value compiles"))
	}
	if p.Type != "bytes" {
		value.Bytes = packed(p.Type, integer{value.Value})
	}
	start := at.int()
	copy(to.bytes[start:start+len(value.Bytes)], value.Bytes)
	return object{}
}

func decode(from json.RawMessage, to any) {
	if err := json.Unmarshal(from, to); err != nil {
		panic(&failure{code: -32602, text: err.Error()})
	}
}
