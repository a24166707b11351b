package kit

import (
	"encoding/json"
	"fmt"
	"math/big"
	"os"
	"runtime"
	"slices"
	"strings"
)

// params are all parameters that methods have; each method reads its own. Go's JSON reads base64 as bytes.
type params struct {
	Variant, Cache              *string
	Bytes                       []byte
	Module, Instance, Memory    int64
	Function, Global, Object    *int64
	Objects                     []int64
	Name, Type, API             string
	Imports                     []imported
	Glue, WASI                  json.RawMessage
	Args                        []argument
	Results                     []string
	Min, Max, Delta, At, Count  integer
	Offset, Length              integer
	Kind                        *string
	View                        json.RawMessage // a kind's name, or an object
	Index                       string
	Shared, All, Store, Mutable bool
	PageSize                    uint64 `json:"page_size"`
	Value                       json.RawMessage
	Agents                      json.RawMessage // a list, or an object
	Rounds                      int
	Protocol                    int
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

type method = func(*session, int64, *params) (any, error)

var methods map[string]method

func init() { // not where it is declared: the methods use what uses this table
	methods = map[string]method{
		"initialize": initialize, "shutdown": shutdown, "object.release": release, "object.same": same,
		"module.compile": compile, "instance.create": instantiate, "host.collect": collect,
		"function.call": call, "function.export": exportFunction,
		"global.create": createGlobal, "global.export": exportGlobal, "global.get": getGlobal, "global.set": setGlobal,
		"memory.export": exportMemory, "memory.caller": callerMemory, "memory.create": createMemory,
		"memory.size": size, "memory.grow": grow, "memory.read": readMemory, "memory.write": writeMemory,
		"view.open": openView, "view.length": length, "view.read": readView, "view.write": writeView,
		"object.use": use, "agents.run": runAgents, "agents.start": startAgents, "agents.finish": finishAgents,
	}
}

var done = object{}

// find is an object of a request, or the reason why there is none.
func find[T any](s *session, what string, table map[int64]any, id int64) T {
	found, isThere := table[id].(T)
	if !isThere && (s.failed[id] || s.broken[id]) {
		panic(skipped("request %d made no %s", id, what))
	}
	if !isThere {
		panic(wrong("request %d made no %s", id, what))
	}
	return found
}

func (s *session) instance(id int64) Instance { return find[Instance](s, "instance", s.objects, id) }
func (s *session) memory(id int64) Memory     { return find[Memory](s, "memory", s.objects, id) }
func (s *session) module(id int64) Module     { return find[any](s, "module", s.modules, id) }

// optional is the driver as one that also does what T has.
func optional[T any](s *session, what string) T {
	found, does := s.driver.(T)
	if !does {
		panic(&Refusal{code: -32601, message: "the host API has no way to " + what})
	}
	return found
}

func initialize(s *session, _ int64, p *params) (any, error) {
	if s.driver != nil || p.Protocol != 1 {
		panic(wrong("initialize comes once, with protocol 1"))
	}
	text := func(given *string) string {
		if given == nil {
			return ""
		}
		return *given
	}
	s.driver = s.newDriver(text(p.Variant), text(p.Cache))
	about := s.driver.About()
	return object{
		"protocol":      1,
		"runtime":       object{"name": about.Name, "version": about.Version, "engine": about.Engine},
		"host":          object{"language": "Go", "version": strings.TrimPrefix(runtime.Version(), "go"), "implementation": runtime.Compiler},
		"views":         about.Views,
		"default_views": about.Defaults,
		"glue":          []string{},
		"wasi":          append([]string{}, about.WASI...),
	}, nil
}

func shutdown(s *session, id int64, _ *params) (any, error) {
	s.send(object{"id": id, "result": done})
	os.Exit(0)
	return nil, nil
}

func release(s *session, _ int64, p *params) (any, error) {
	for _, id := range p.Objects {
		delete(s.objects, id)
		delete(s.modules, id)
	}
	if !p.All && !p.Store {
		return done, nil
	}
	for id, item := range s.objects {
		if begun, ok := item.(*agents); ok {
			begun.end()
		}
		if _, isView := item.(*view); !isView || p.All { // views are what may be left dangling
			delete(s.objects, id)
		}
	}
	if p.All {
		clear(s.results)
		clear(s.failed)
	}
	return done, s.driver.ReleaseAll()
}

func collect(*session, int64, *params) (any, error) {
	runtime.GC()
	return done, nil
}

func same(s *session, _ int64, p *params) (any, error) {
	one, other := find[any](s, "object", s.objects, p.Objects[0]), find[any](s, "object", s.objects, p.Objects[1])
	return object{"same": identity(one) == identity(other)}, nil
}

// An Identity is an object of the kit's or the driver's own that stands for one of the API's.
type Identity interface{ Same() any }

func identity(of any) any {
	if known, ok := of.(Identity); ok {
		return known.Same()
	}
	return of
}

func compile(s *session, id int64, p *params) (any, error) {
	module, err := s.driver.Compile(p.Bytes)
	if err == nil {
		s.modules[id] = module
	}
	return done, err
}

func instantiate(s *session, id int64, p *params) (any, error) {
	module := s.module(p.Module)
	imports := s.imports(p.Imports)
	if isGiven(p.Glue) {
		panic(Unsupported("the driver runs no language glue"))
	}
	var instance Instance
	var err error
	if isGiven(p.WASI) {
		var wasi WASI
		decode(p.WASI, &wasi)
		if !slices.Contains(s.driver.About().WASI, wasi.Version) {
			panic(Unsupported("the driver brings no WASI %s", wasi.Version))
		}
		instance, err = optional[WASIHost](s, "serve WASI").InstantiateWASI(module, imports, wasi)
	} else {
		instance, err = s.driver.Instantiate(module, imports)
	}
	return s.keep(id, instance, err)
}

func isGiven(parameter json.RawMessage) bool { return integer{parameter}.given() }

// keep remembers an object, unless it was not made.
func (s *session) keep(id int64, made any, err error) (any, error) {
	if err == nil {
		s.objects[id] = made
	}
	return done, err
}

func (s *session) imports(from []imported) []Import {
	found := make([]Import, len(from))
	for i, item := range from {
		found[i] = Import{Module: item.Module, Name: item.Name}
		switch {
		case item.Func != nil:
			found[i].Host = s.hostFunction(*item.Func, item.Type.Params, item.Type.Results)
		case item.Object != nil:
			found[i].Object = find[any](s, "object", s.objects, *item.Object)
		case item.Instance != nil:
			found[i].Export = &Export{s.instance(*item.Instance), item.Export}
		default:
			found[i].New = &NewGlobal{s.typed(item.Global.argument), item.Global.Mutable}
		}
	}
	return found
}

func call(s *session, id int64, p *params) (any, error) {
	args := func() []Typed { return s.arguments(p.Args) }
	var values []Typed
	var err error
	if p.Function != nil {
		function := find[any](s, "function", s.objects, *p.Function)
		values, err = optional[FunctionCaller](s, "keep functions").CallFunction(function, args(), p.Results)
	} else {
		values, err = s.instance(p.Instance).Call(p.Name, args(), p.Results)
	}
	if err != nil {
		return nil, err
	}
	if len(values) != len(p.Results) {
		panic(fmt.Sprintf("the function gave %d values for %v", len(values), p.Results))
	}
	if len(values) > 0 {
		s.results[id] = values[0]
	}
	return object{"values": append([]Typed{}, values...)}, nil
}

func exportFunction(s *session, id int64, p *params) (any, error) {
	found, err := optional[FunctionCaller](s, "keep functions").Function(s.instance(p.Instance), p.Name)
	return s.keep(id, found, err)
}

func createGlobal(s *session, id int64, p *params) (any, error) {
	var value argument
	decode(p.Value, &value.Value)
	value.Type = p.Type
	made, err := optional[GlobalMaker](s, "make globals").NewGlobal(s.typed(value), p.Mutable)
	return s.keep(id, made, err)
}

func exportGlobal(s *session, id int64, p *params) (any, error) {
	found, err := s.instance(p.Instance).Global(p.Name)
	return s.keep(id, found, err)
}

func getGlobal(s *session, id int64, p *params) (any, error) {
	global := find[Global](s, "global", s.objects, *p.Global)
	value, err := optional[GlobalReader](s, "read globals").GetGlobal(global, p.Type)
	if err == nil {
		s.results[id] = value
	}
	return object{"value": value}, err
}

func setGlobal(s *session, _ int64, p *params) (any, error) {
	global := find[Global](s, "global", s.objects, *p.Global)
	var host struct{ Host string }
	decode(p.Value, &host)
	if host.Host != "" {
		panic(NotExpressible("a Go value of another type does not compile where a global is set"))
	}
	var value argument
	decode(p.Value, &value)
	return done, optional[GlobalReader](s, "set globals").SetGlobal(global, s.typed(value))
}

func exportMemory(s *session, id int64, p *params) (any, error) {
	found, err := s.instance(p.Instance).Memory(p.Name)
	return s.keep(id, found, err)
}

func callerMemory(s *session, id int64, p *params) (any, error) {
	found, err := optional[Caller](s, "tell a host function which instance calls it").CallerMemory(p.Name)
	return s.keep(id, found, err)
}

func createMemory(s *session, id int64, p *params) (any, error) {
	limits := Limits{s.integer(p.Min), s.optional(p.Max), p.Shared, p.Index, p.PageSize}
	made, err := optional[MemoryMaker](s, "make memories").NewMemory(limits)
	return s.keep(id, made, err)
}

func size(s *session, id int64, p *params) (any, error) {
	page := uint64(65536)
	if p.PageSize != 0 {
		page = p.PageSize
	}
	return s.pages(id)(s.memory(p.Memory).Pages(page))
}

func grow(s *session, id int64, p *params) (any, error) {
	memory := s.memory(p.Memory)
	return s.pages(id)(memory.Grow(s.integer(p.Delta)))
}

func (s *session) pages(id int64) func(uint64, error) (any, error) {
	return func(count uint64, err error) (any, error) {
		return object{"pages": s.number(id, count, err)}, err
	}
}

// number remembers a count. JSON's numbers are exact up to 2^53.
func (s *session) number(id int64, count uint64, err error) any {
	if err != nil {
		return nil
	}
	s.results[id] = Typed{Type: "u64", Bits: count}
	if count < 1<<53 {
		return count
	}
	return new(big.Int).SetUint64(count).String()
}

func use(_ *session, _ int64, p *params) (any, error) {
	panic(Unsupported("Go has no %s", p.API))
}
