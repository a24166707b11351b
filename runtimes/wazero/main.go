// A driver for wazero (https://pkg.go.dev/github.com/tetratelabs/wazero).
//
// One Runtime per process; instances are anonymous modules of it, closed when the scenario ends. Ways into memory:
//
//	slice         what Memory.Read(0, Size()) gives: a slice over the memory itself, with the length that it was made with
//	read_write    Memory.Read and Memory.Write at each access. Keeping this view keeps the Memory itself.
//	read_le       Memory.ReadByte, ReadUint16Le, ReadUint32Le, ReadUint64Le, ReadFloat32Le, ReadFloat64Le and the
//	              corresponding writes. There are none for signed integers: users convert.
//
// Offsets and counts are of type uint32, pages too. So a negative address, one beyond 4 GiB, or 2^32 + 1 pages are not
// expressible; a slice's index is an int, so there a negative one is an error of Go's. Where a method returns false, the
// answer is an error of that name. Size returns 0 for a memory of 65,536 pages, because it is a uint32 of bytes.
//
// A host module exports functions only, so the host can make no memory and no global. wazero takes all that a module
// imports under one module name from one module, by the names that it is exported with. Here the module is chosen with
// experimental.WithImportResolver, which leaves instances anonymous; else two could not have the same name. Imports that
// come from several modules, or under another name than that of the export, can't be given.
//
// Values of guests' functions are uint64, so every bit arrives; an i32 is the low half, unsigned. wazero's traps are of a
// type that is internal to it, so users know them by their text. A host function can't make a trap: a panic with an
// error is what it has, and Call returns that error, wrapped.
//
// The proposals that wazero calls experimental are switched on: threads, tail calls, extended constant expressions,
// exception handling, typed function references.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"regexp"
	"strings"

	"linmem/kit"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
	"github.com/tetratelabs/wazero/experimental"
	"github.com/tetratelabs/wazero/imports/wasi_snapshot_preview1"
	"github.com/tetratelabs/wazero/sys"
)

const module = "github.com/tetratelabs/wazero"

// What experimental.CoreFeatures… are in the versions that have them; earlier ones ignore the bits.
const experiments = api.CoreFeatureSIMD<<1 | api.CoreFeatureSIMD<<2 | api.CoreFeatureSIMD<<3 |
	api.CoreFeatureSIMD<<4 | api.CoreFeatureSIMD<<5

var ctx = context.Background()

func main() { kit.Main(newDriver) }

type driver struct {
	runtime wazero.Runtime
	about   kit.About
	open    []api.Module // the scenario's, in the order in which they were made
	callers []api.Module // of the host functions that run, the innermost last
}

func newDriver(variant, cache string) kit.Driver {
	var config wazero.RuntimeConfig
	switch variant {
	case "", "compiler":
		variant, config = "compiler", wazero.NewRuntimeConfigCompiler()
	case "interpreter":
		config = wazero.NewRuntimeConfigInterpreter()
	default:
		panic(kit.Unsupported("wazero has no variant %s; known: compiler, interpreter", variant))
	}
	config = config.WithCoreFeatures(api.CoreFeaturesV2 | experiments)
	if cache != "" {
		if kept, err := wazero.NewCompilationCacheWithDir(cache); err == nil {
			config = config.WithCompilationCache(kept)
		}
	}
	version := kit.Release(module)
	return &driver{
		runtime: wazero.NewRuntimeWithConfig(ctx, config),
		about: kit.About{
			Name: "wazero", Version: version, Engine: fmt.Sprintf("wazero %s, %s", version, variant),
			Views: []kit.ViewKind{
				{Kind: "slice", Unit: 1, Types: kit.Types},
				{Kind: "read_write", Unit: 1, Types: kit.Types},
				{Kind: "read_le", Unit: 1, Types: strings.Fields("u8 u16 u32 u64 f32 f64")},
			},
			Defaults: map[string]string{
				"u8": "read_le", "u16": "read_le", "u32": "read_le", "u64": "read_le", "f32": "read_le", "f64": "read_le",
				"s8": "read_write", "s16": "read_write", "s32": "read_write", "s64": "read_write", "bytes": "read_write",
			},
			WASI: []string{"preview1", "unstable"},
		},
	}
}

func (d *driver) About() kit.About { return d.about }

func (d *driver) Compile(code []byte) (kit.Module, error) { return d.runtime.CompileModule(ctx, code) }

func (d *driver) ReleaseAll() error {
	var first error
	for _, instance := range d.open {
		if err := instance.Close(ctx); err != nil && first == nil {
			first = err
		}
	}
	d.open = nil
	return first
}

func (d *driver) Instantiate(compiled kit.Module, imports []kit.Import) (kit.Instance, error) {
	return d.instantiate(compiled, imports, wazero.NewModuleConfig(), nil)
}

func (d *driver) NewAgent(compiled kit.Module, imports []kit.Import) (kit.Instance, error) {
	return d.Instantiate(compiled, imports)
}

func (d *driver) InstantiateWASI(compiled kit.Module, imports []kit.Import, wasi kit.WASI) (kit.Instance, error) {
	name := map[string]string{"preview1": "wasi_snapshot_preview1", "unstable": "wasi_unstable"}[wasi.Version]
	builder := d.runtime.NewHostModuleBuilder(name)
	wasi_snapshot_preview1.NewFunctionExporter().ExportFunctions(builder)
	served, err := d.host(builder)
	if err != nil {
		return nil, err
	}
	config := wazero.NewModuleConfig().WithArgs(wasi.Args...).WithStdout(os.Stderr).WithStderr(os.Stderr)
	for key, value := range wasi.Env {
		config = config.WithEnv(key, value)
	}
	folders := wazero.NewFSConfig()
	for path, folder := range wasi.Preopens {
		folders = folders.WithDirMount(folder, path)
	}
	config = config.WithFSConfig(folders).WithSysWalltime().WithSysNanotime().WithSysNanosleep()
	return d.instantiate(compiled, imports, config.WithStartFunctions("_initialize"), map[string]api.Module{name: served})
}

func (d *driver) instantiate(compiled kit.Module, imports []kit.Import, config wazero.ModuleConfig, given map[string]api.Module) (kit.Instance, error) {
	sources := map[string]api.Module{}
	for name, source := range given {
		sources[name] = source
	}
	builders := map[string]wazero.HostModuleBuilder{}
	for _, item := range imports {
		switch {
		case item.Host != nil:
			if sources[item.Module] != nil {
				panic(severalModules(item.Module))
			}
			if builders[item.Module] == nil {
				builders[item.Module] = d.runtime.NewHostModuleBuilder(item.Module)
			}
			d.export(builders[item.Module], item.Name, item.Host)
		case item.Export != nil:
			source := item.Export.Instance.(*instance).module
			if item.Name != item.Export.Name {
				panic(kit.Unsupported("wazero takes the import %s.%s from an export of that name", item.Module, item.Name))
			}
			if builders[item.Module] != nil || sources[item.Module] != nil && sources[item.Module] != source {
				panic(severalModules(item.Module))
			}
			sources[item.Module] = source
		case item.New != nil:
			panic(kit.Unsupported("a host module of wazero's exports functions only, and no globals"))
		default: // an exported memory or global, which wazero gives to no module by itself
			panic(kit.Unsupported("wazero gives a module's memory or global to another one by the export's name, not as an object"))
		}
	}
	for name, builder := range builders {
		made, err := d.host(builder)
		if err != nil {
			return nil, err
		}
		sources[name] = made
	}
	resolve := func(name string) api.Module { return sources[name] }
	config = config.WithName("")
	if given == nil {
		config = config.WithStartFunctions()
	}
	made, err := d.runtime.InstantiateModule(experimental.WithImportResolver(ctx, resolve), compiled.(wazero.CompiledModule), config)
	if err != nil {
		return nil, err
	}
	d.open = append(d.open, made)
	return &instance{made}, nil
}

func severalModules(name string) *kit.Refusal {
	return kit.Unsupported("wazero takes all imports from %q from one module, and here several give them", name)
}

// host makes an anonymous module of host functions.
func (d *driver) host(builder wazero.HostModuleBuilder) (api.Module, error) {
	compiled, err := builder.Compile(ctx)
	if err != nil {
		return nil, err
	}
	made, err := d.runtime.InstantiateModule(ctx, compiled, wazero.NewModuleConfig().WithName("").WithStartFunctions())
	if err == nil {
		d.open = append(d.open, made)
	}
	return made, err
}

func (d *driver) export(builder wazero.HostModuleBuilder, name string, host *kit.HostFunction) {
	call := func(_ context.Context, caller api.Module, stack []uint64) {
		d.callers = append(d.callers, caller)
		defer func() { d.callers = d.callers[:len(d.callers)-1] }()
		values, err := host.Call(typed(host.Params, stack))
		if err != nil {
			panic(err)
		}
		for i, value := range values {
			stack[i] = value.Bits
		}
	}
	builder.NewFunctionBuilder().
		WithGoModuleFunction(api.GoModuleFunc(call), types(host.Params), types(host.Results)).Export(name)
}

func (d *driver) CallerMemory(name string) (kit.Memory, error) {
	return exportedMemory(d.callers[len(d.callers)-1], name)
}

func types(names []string) []api.ValueType {
	known := map[string]api.ValueType{"i32": api.ValueTypeI32, "i64": api.ValueTypeI64, "f32": api.ValueTypeF32,
		"f64": api.ValueTypeF64, "externref": api.ValueTypeExternref}
	found := make([]api.ValueType, len(names))
	for i, name := range names {
		kind, isKnown := known[name]
		if !isKnown {
			panic(kit.Unsupported("wazero's api has no value type %s", name))
		}
		found[i] = kind
	}
	return found
}

// typed are values as wazero has them: an i32 or f32 is the low half.
func typed(kinds []string, values []uint64) []kit.Typed {
	found := make([]kit.Typed, len(kinds))
	for i, kind := range kinds {
		found[i] = kit.Typed{Type: kind, Bits: values[i]}
		if kit.Width(kind) == 4 {
			found[i].Bits = uint64(api.DecodeU32(values[i]))
		}
	}
	return found
}

func raw(values []kit.Typed) []uint64 {
	found := make([]uint64, len(values))
	for i, value := range values {
		found[i] = value.Bits
	}
	return found
}

type instance struct{ module api.Module }

func (i *instance) Call(name string, args []kit.Typed, results []string) ([]kit.Typed, error) {
	return apply(i.module.ExportedFunction(name), args, results)
}

func apply(function api.Function, args []kit.Typed, results []string) ([]kit.Typed, error) {
	values, err := function.Call(ctx, raw(args)...)
	if err != nil {
		return nil, err
	}
	return typed(results, values), nil
}

func (i *instance) Memory(name string) (kit.Memory, error) { return exportedMemory(i.module, name) }

func (i *instance) Global(name string) (kit.Global, error) {
	found := i.module.ExportedGlobal(name)
	if found == nil {
		return nil, kit.No("nil", "Module.ExportedGlobal")
	}
	return found, nil
}

func (d *driver) Function(from kit.Instance, name string) (any, error) {
	found := from.(*instance).module.ExportedFunction(name)
	if found == nil {
		return nil, kit.No("nil", "Module.ExportedFunction")
	}
	return found, nil
}

func (d *driver) CallFunction(function any, args []kit.Typed, results []string) ([]kit.Typed, error) {
	return apply(function.(api.Function), args, results)
}

func (d *driver) GetGlobal(global kit.Global, kind string) (kit.Typed, error) {
	return typed([]string{kind}, []uint64{global.(api.Global).Get()})[0], nil
}

func (d *driver) SetGlobal(global kit.Global, value kit.Typed) error {
	global.(api.MutableGlobal).Set(value.Bits)
	return nil
}

// segment is what wazero says of an active data segment that does not fit.
var segment = regexp.MustCompile(`^data\[\d+\]: out of bounds memory access`)

// Classify knows wazero's errors by their text: the type of its traps is internal.
func (d *driver) Classify(method string, err error) (kind, message string) {
	if exit := (*sys.ExitError)(nil); errors.As(err, &exit) {
		return "exit", fmt.Sprint(exit.ExitCode())
	}
	text := err.Error()
	if _, trap, found := strings.Cut(text, "wasm error: "); found {
		trap, _, _ = strings.Cut(trap, "\n")
		return "trap", inTheSpecification(trap)
	}
	if segment.MatchString(text) { // the specification calls it a trap
		return "trap", "out of bounds memory access"
	}
	if method == "module.compile" {
		return "compile", text
	}
	if method == "instance.create" && !strings.Contains(text, "wasm stack trace") { // else a host function threw
		return "link", text
	}
	return "host", text
}

func inTheSpecification(trap string) string {
	if trap == "stack overflow" {
		return "call stack exhausted"
	}
	return trap
}
