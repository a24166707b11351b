// A driver for Wasmtime through its Go API, wasmtime-go (https://pkg.go.dev/github.com/bytecodealliance/wasmtime-go).
//
// One Engine per process, one Store per scenario, which is closed when the scenario ends. Ways into memory:
//
//	slice     what Memory.UnsafeData gives: a slice over the memory itself, with the length that it was made with
//	data_ptr  the pointer of Memory.Data with unsafe.Add, which checks nothing: u8, and bytes through unsafe.Slice
//
// A slice's index is an int, so a negative one is an error of Go's. Memory.Grow takes a uint64 of pages and
// NewMemoryType uint32s, so other numbers are not expressible.
//
// The module is named after Wasmtime's major version, so this driver is for one of them. Guests can have shared memories,
// but the host can neither make one nor get one that is exported (Extern.Memory returns nil), so there are no agents.
// Custom page sizes have no switch.
//
// A host function can return a Trap. If it panics, Func.Call panics with the same value. WASI is the store's:
// Store.SetWasi, Linker.DefineWasi. Where its functions trap, as for a pointer out of bounds, wasmtime-go returns an
// Error with the guest's backtrace, not a Trap. The guest's execution has ended all the same, so the driver calls it a
// trap; the answer has the type beside it.
package main

import (
	"errors"
	"fmt"
	"maps"
	"math"
	"math/big"
	"os"
	"reflect"
	"slices"
	"strings"

	"linmem/kit"

	wasmtime "github.com/bytecodealliance/wasmtime-go/v39"
)

func main() {
	// Rust libraries add their own stack to errors' texts where these are set; results must not depend on that.
	for _, variable := range []string{"RUST_BACKTRACE", "RUST_LIB_BACKTRACE"} {
		os.Unsetenv(variable)
	}
	kit.Main(newDriver)
}

type driver struct {
	engine  *wasmtime.Engine
	about   kit.About
	scene   *wasmtime.Store // the scenario's
	wasi    *kit.WASI       // the store's
	callers []*wasmtime.Caller
}

func newDriver(variant, _ string) kit.Driver {
	if variant != "" {
		panic(kit.Unsupported("wasmtime-go has no variant %s", variant))
	}
	config := wasmtime.NewConfig()
	for _, on := range []func(bool){
		config.SetWasmMemory64, config.SetWasmMultiMemory, config.SetWasmMultiValue, config.SetWasmBulkMemory,
		config.SetWasmReferenceTypes, config.SetWasmSIMD, config.SetWasmRelaxedSIMD, config.SetWasmTailCall,
		config.SetWasmFunctionReferences, config.SetWasmThreads, config.SetWasmGC, config.SetWasmWideArithmetic,
	} {
		on(true)
	}
	version := kit.Release(reflect.TypeFor[wasmtime.Store]().PkgPath())
	return &driver{
		engine: wasmtime.NewEngineWithConfig(config),
		about: kit.About{
			Name: "wasmtime-go", Version: version, Engine: fmt.Sprintf("Wasmtime %s, Cranelift", version),
			Views: []kit.ViewKind{
				{Kind: "slice", Unit: 1, Types: kit.Types},
				{Kind: "data_ptr", Unit: 1, Types: []string{"u8", "bytes"}},
			},
			WASI: []string{"preview1"},
		}.WithDefault("slice"),
	}
}

func (d *driver) About() kit.About { return d.about }

func (d *driver) store() *wasmtime.Store {
	if d.scene == nil {
		d.scene = wasmtime.NewStore(d.engine)
	}
	return d.scene
}

func (d *driver) ReleaseAll() error {
	if d.scene != nil {
		d.scene.Close()
	}
	d.scene, d.wasi = nil, nil
	return nil
}

func (d *driver) Compile(code []byte) (kit.Module, error) { return wasmtime.NewModule(d.engine, code) }

func (d *driver) Instantiate(module kit.Module, imports []kit.Import) (kit.Instance, error) {
	linker, err := d.linker(imports)
	if err != nil {
		return nil, err
	}
	made, err := linker.Instantiate(d.store(), module.(*wasmtime.Module))
	return &instance{d, made}, err
}

func (d *driver) InstantiateWASI(module kit.Module, imports []kit.Import, wasi kit.WASI) (kit.Instance, error) {
	if d.wasi == nil {
		config := wasmtime.NewWasiConfig()
		config.SetArgv(wasi.Args)
		names := slices.Collect(maps.Keys(wasi.Env))
		values := make([]string, len(names))
		for i, name := range names {
			values[i] = wasi.Env[name]
		}
		config.SetEnv(names, values)
		config.InheritStdout()
		config.InheritStderr()
		for path, folder := range wasi.Preopens {
			err := config.PreopenDir(folder, path, wasmtime.DIR_READ|wasmtime.DIR_WRITE, wasmtime.FILE_READ|wasmtime.FILE_WRITE)
			if err != nil {
				return nil, err
			}
		}
		d.store().SetWasi(config)
		d.wasi = &wasi
	} else if !reflect.DeepEqual(*d.wasi, wasi) {
		panic(kit.Unsupported("a Store has one WASI, and this scenario's has another already"))
	}
	linker, err := d.linker(imports)
	if err != nil {
		return nil, err
	}
	if err := linker.DefineWasi(); err != nil {
		return nil, err
	}
	made, err := linker.Instantiate(d.store(), module.(*wasmtime.Module))
	if err != nil {
		return nil, err
	}
	if initialize := made.GetFunc(d.store(), "_initialize"); initialize != nil {
		_, err = initialize.Call(d.store())
	}
	return &instance{d, made}, err
}

func (d *driver) linker(imports []kit.Import) (*wasmtime.Linker, error) {
	linker := wasmtime.NewLinker(d.engine)
	linker.AllowShadowing(true) // a module may import one name twice
	for _, item := range imports {
		extern, err := d.extern(item)
		if err == nil {
			err = linker.Define(d.store(), item.Module, item.Name, extern)
		}
		if err != nil {
			return nil, err
		}
	}
	return linker, nil
}

func (d *driver) extern(item kit.Import) (wasmtime.AsExtern, error) {
	switch {
	case item.Host != nil:
		signature := wasmtime.NewFuncType(valueTypes(item.Host.Params), valueTypes(item.Host.Results))
		return wasmtime.NewFunc(d.store(), signature, d.called(item.Host)), nil
	case item.Export != nil:
		return item.Export.Instance.(*instance).made.GetExport(d.store(), item.Export.Name), nil
	case item.New != nil:
		made, err := d.NewGlobal(item.New.Value, item.New.Mutable)
		return made.(*wasmtime.Global), err
	}
	if found, ok := item.Object.(*memory); ok {
		return found.Memory, nil
	}
	return item.Object.(*wasmtime.Global), nil
}

func (d *driver) called(host *kit.HostFunction) func(*wasmtime.Caller, []wasmtime.Val) ([]wasmtime.Val, *wasmtime.Trap) {
	return func(caller *wasmtime.Caller, args []wasmtime.Val) ([]wasmtime.Val, *wasmtime.Trap) {
		d.callers = append(d.callers, caller)
		defer func() { d.callers = d.callers[:len(d.callers)-1] }()
		given := make([]kit.Typed, len(args))
		for i, value := range args {
			given[i] = typed(host.Params[i], value.Get())
		}
		found, err := host.Call(given)
		if thrown := (*kit.Thrown)(nil); errors.As(err, &thrown) && thrown.Trap {
			return nil, wasmtime.NewTrap(thrown.Message)
		}
		if err != nil {
			panic(err)
		}
		results := make([]wasmtime.Val, len(found))
		for i, value := range found {
			results[i] = val(value)
		}
		return results, nil
	}
}

func (d *driver) CallerMemory(name string) (kit.Memory, error) {
	return d.memory(d.callers[len(d.callers)-1].GetExport(name))
}

func (d *driver) memory(found *wasmtime.Extern) (kit.Memory, error) {
	if found == nil {
		return nil, kit.No("nil", "GetExport")
	}
	if of := found.Memory(); of != nil {
		return &memory{of, d}, nil
	}
	panic(kit.Unsupported("wasmtime-go has no type for a shared memory: Extern.Memory returns nil"))
}

func (d *driver) NewMemory(limits kit.Limits) (kit.Memory, error) {
	if limits.Shared {
		panic(kit.Unsupported("wasmtime-go makes no shared memories"))
	}
	if limits.PageSize != 0 && limits.PageSize != 65536 {
		panic(kit.Unsupported("NewMemoryType makes no memory with pages of %d bytes", limits.PageSize))
	}
	hasMax, most := limits.Max != nil, limits.Max
	if !hasMax {
		most = new(big.Int)
	}
	var kind *wasmtime.MemoryType
	var err error
	if limits.Index == "i64" {
		kind, err = wasmtime.NewMemoryType64(
			kit.Uint64("the minimum of NewMemoryType64", limits.Min), hasMax, kit.Uint64("the maximum of NewMemoryType64", most), false)
	} else {
		kind, err = wasmtime.NewMemoryType(
			kit.Uint32("the minimum of NewMemoryType", limits.Min), hasMax, kit.Uint32("the maximum of NewMemoryType", most), false)
	}
	if err != nil {
		return nil, err
	}
	made, err := wasmtime.NewMemory(d.store(), kind)
	return &memory{made, d}, err
}

func (d *driver) NewGlobal(value kit.Typed, mutable bool) (kit.Global, error) {
	kind := wasmtime.NewGlobalType(valueTypes([]string{value.Type})[0], mutable)
	return wasmtime.NewGlobal(d.store(), kind, val(value))
}

func (d *driver) GetGlobal(global kit.Global, kind string) (kit.Typed, error) {
	return typed(kind, global.(*wasmtime.Global).Get(d.store()).Get()), nil
}

func (d *driver) SetGlobal(global kit.Global, value kit.Typed) error {
	return global.(*wasmtime.Global).Set(d.store(), val(value))
}

func (d *driver) Function(from kit.Instance, name string) (any, error) {
	found := from.(*instance).made.GetFunc(d.store(), name)
	if found == nil {
		return nil, kit.No("nil", "Instance.GetFunc")
	}
	return found, nil
}

func (d *driver) CallFunction(function any, args []kit.Typed, results []string) ([]kit.Typed, error) {
	given := make([]any, len(args))
	for i, value := range args {
		given[i] = val(value)
	}
	found, err := function.(*wasmtime.Func).Call(d.store(), given...)
	if err != nil || len(results) == 0 {
		return nil, err
	}
	if len(results) == 1 {
		return []kit.Typed{typed(results[0], found)}, nil
	}
	values := make([]kit.Typed, len(results))
	for i, value := range found.([]wasmtime.Val) {
		values[i] = typed(results[i], value.Get())
	}
	return values, nil
}

type instance struct {
	driver *driver
	made   *wasmtime.Instance
}

func (i *instance) Call(name string, args []kit.Typed, results []string) ([]kit.Typed, error) {
	function, err := i.driver.Function(i, name)
	if err != nil {
		return nil, err
	}
	return i.driver.CallFunction(function, args, results)
}

func (i *instance) Memory(name string) (kit.Memory, error) {
	return i.driver.memory(i.made.GetExport(i.driver.store(), name))
}

func (i *instance) Global(name string) (kit.Global, error) {
	found := i.made.GetExport(i.driver.store(), name)
	if found == nil || found.Global() == nil {
		return nil, kit.No("nil", "Extern.Global")
	}
	return found.Global(), nil
}

func valueTypes(names []string) []*wasmtime.ValType {
	known := map[string]wasmtime.ValKind{"i32": wasmtime.KindI32, "i64": wasmtime.KindI64, "f32": wasmtime.KindF32,
		"f64": wasmtime.KindF64, "externref": wasmtime.KindExternref, "funcref": wasmtime.KindFuncref}
	found := make([]*wasmtime.ValType, len(names))
	for i, name := range names {
		kind, isKnown := known[name]
		if !isKnown {
			panic(kit.Unsupported("wasmtime-go has no value type %s", name))
		}
		found[i] = wasmtime.NewValType(kind)
	}
	return found
}

func val(value kit.Typed) wasmtime.Val {
	switch value.Type {
	case "i32":
		return wasmtime.ValI32(int32(value.Bits))
	case "i64":
		return wasmtime.ValI64(int64(value.Bits))
	case "f32":
		return wasmtime.ValF32(math.Float32frombits(uint32(value.Bits)))
	default:
		return wasmtime.ValF64(math.Float64frombits(value.Bits))
	}
}

// typed is a value as wasmtime-go gives it: integers are signed.
func typed(kind string, value any) kit.Typed {
	switch found := value.(type) {
	case int32:
		return kit.Typed{Type: kind, Bits: uint64(uint32(found)), IsSigned: true}
	case int64:
		return kit.Typed{Type: kind, Bits: uint64(found), IsSigned: true}
	case float32:
		return kit.Typed{Type: kind, Bits: uint64(math.Float32bits(found))}
	case float64:
		return kit.Typed{Type: kind, Bits: math.Float64bits(found)}
	}
	panic(kit.Unsupported("the driver reads no %s values", kind))
}

// inTheSpecification has Wasmtime's texts that differ from the specification's. One text stays as it is, "undefined
// element: out of bounds table access": Wasmtime has it for what the specification calls by either name.
var inTheSpecification = map[string]string{
	"wasm `unreachable` instruction executed": "unreachable",
	"atomic wait on non-shared memory":        "expected shared memory",
}

func (d *driver) Classify(method string, err error) (kind, message string) {
	text := err.Error()
	if trap := (*wasmtime.Trap)(nil); errors.As(err, &trap) {
		words := text
		if _, after, found := strings.Cut(text, "wasm trap: "); found {
			words = strings.TrimSpace(after)
		}
		if specified, differs := inTheSpecification[words]; differs {
			words = specified
		}
		return "trap", words
	}
	failed := (*wasmtime.Error)(nil)
	if !errors.As(err, &failed) {
		return "host", text
	}
	if status, exited := failed.ExitStatus(); exited {
		return "exit", fmt.Sprint(status)
	}
	if strings.HasPrefix(text, "error while executing at wasm backtrace:") {
		lines := strings.Split(strings.TrimSpace(text), "\n")
		return "trap", strings.TrimSpace(lines[len(lines)-1])
	}
	switch method {
	case "module.compile":
		return "compile", text
	case "instance.create":
		return "link", text
	}
	return "host", text
}
