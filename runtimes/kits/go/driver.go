// Package kit is what drivers in Go share: it serves linmem's driver protocol (docs/driver-protocol.md), so that a
// driver is the API's calls only.
package kit

import (
	"math/big"
	"runtime/debug"
	"strings"
)

// A Driver does to one runtime what the harness asks. What its methods return as an error, and what they panic with, such
// as an index out of range, is what the API did: Classify says what it means. A panic with a *Refusal is an answer of
// the driver's own.
//
// A driver may also be a [GlobalMaker], [GlobalReader], [MemoryMaker], [Caller], [FunctionCaller], [WASIHost] or
// [AgentHost].
type Driver interface {
	// About is what `initialize` answers.
	About() About
	// Compile makes a module, which outlives scenarios.
	Compile(code []byte) (Module, error)
	// Instantiate makes an instance. Every import of the module is in imports, or is missing.
	Instantiate(module Module, imports []Import) (Instance, error)
	// ReleaseAll is called when nothing of the scenario is needed any more but its modules.
	ReleaseAll() error
	// Classify gives the protocol's error kind and message for an error of the method.
	Classify(method string, err error) (kind, message string)
}

// About describes a runtime, the ways into memory that its API has, and which a user would try first for each type.
type About struct {
	Name, Version, Engine string
	Views                 []ViewKind
	Defaults              map[string]string
	WASI                  []string
}

// Release is the version of a module that the program was built with, by the module's path.
func Release(path string) string {
	info, _ := debug.ReadBuildInfo()
	for _, dependency := range info.Deps {
		if dependency.Path == path {
			return strings.TrimPrefix(dependency.Version, "v")
		}
	}
	return ""
}

// WithDefault has every type tried first through one view kind.
func (a About) WithDefault(kind string) About {
	a.Defaults = map[string]string{}
	for _, name := range Types {
		a.Defaults[name] = kind
	}
	return a
}

// A ViewKind is a way into memory. In Go all of them count bytes.
type ViewKind struct {
	Kind  string   `json:"kind"`
	Unit  int      `json:"unit"`
	Types []string `json:"types"`
}

// Modules and globals are whatever the driver makes of them.
type (
	Module = any
	Global = any
)

// An Instance of a module. The harness asks for exports that are there and of the right kind.
type Instance interface {
	Call(name string, args []Typed, results []string) ([]Typed, error)
	Memory(name string) (Memory, error)
	Global(name string) (Global, error)
}

// A Memory is the host's handle on one.
type Memory interface {
	// Pages is the size as the API gives it; one that counts bytes divides by pageSize.
	Pages(pageSize uint64) (uint64, error)
	// Grow gives the size before, in pages.
	Grow(delta *big.Int) (uint64, error)
	// View opens a way into the memory. A nil offset or length was not given.
	View(kind string, offset, length *big.Int) (View, error)
}

// A View is a way into a memory that can be kept. Addresses are in bytes, and may be any.
type View interface {
	// Read gives a Typed number, or []byte, perhaps fewer than asked for. count is 1 for numbers.
	Read(at *big.Int, kind string, count *big.Int) (any, error)
	Write(at *big.Int, value Value) error
	Length() (uint64, error)
}

// A Part is a view that parts can be opened of. A nil length means up to the end.
type Part interface {
	Part(offset, length *big.Int) (View, error)
}

// An Import of a new instance. Exactly one of the last four is given.
type Import struct {
	Module, Name string
	Host         *HostFunction
	Object       any // a Memory or a Global that was made before
	Export       *Export
	New          *NewGlobal
}

// An Export of another instance.
type Export struct {
	Instance Instance
	Name     string
}

// A HostFunction asks the harness. Call returns a *Thrown where the scenario wants it to throw or to trap.
type HostFunction struct {
	Params, Results []string
	Call            func(args []Typed) ([]Typed, error)
}

// Thrown is the error of a host function; Trap says that it is to be a trap where the API has a way to make one.
type Thrown struct {
	Message string
	Trap    bool
}

func (t *Thrown) Error() string { return t.Message }

// A NewGlobal is to be made for an import.
type NewGlobal struct {
	Value   Typed
	Mutable bool
}

// A GlobalMaker is a driver whose API makes globals, and reads and sets them.
type GlobalMaker interface {
	NewGlobal(value Typed, mutable bool) (Global, error)
}

// A GlobalReader is a driver whose API reads and sets globals.
type GlobalReader interface {
	GetGlobal(global Global, kind string) (Typed, error)
	SetGlobal(global Global, value Typed) error
}

// A MemoryMaker is a driver whose API makes memories.
type MemoryMaker interface {
	NewMemory(limits Limits) (Memory, error)
}

// Limits of a memory, in pages. A nil Max means none.
type Limits struct {
	Min, Max *big.Int
	Shared   bool
	Index    string
	PageSize uint64
}

// A Caller is a driver whose API tells a host function the memories of the instance that calls it.
type Caller interface {
	CallerMemory(name string) (Memory, error)
}

// A FunctionCaller is a driver whose API has handles on exported functions.
type FunctionCaller interface {
	Function(instance Instance, name string) (any, error)
	CallFunction(function any, args []Typed, results []string) ([]Typed, error)
}

// A WASIHost is a driver whose runtime has WASI of its own.
type WASIHost interface {
	InstantiateWASI(module Module, imports []Import, wasi WASI) (Instance, error)
}

// WASI is what a guest finds.
type WASI struct {
	Version  string
	Args     []string
	Env      map[string]string
	Preopens map[string]string // from the path that the guest sees to the folder
}

// An AgentHost is a driver whose API allows for an instance in another thread that shares a memory. NewAgent is called in
// the agent's own goroutine, which has a thread to itself.
type AgentHost interface {
	NewAgent(module Module, imports []Import) (Instance, error)
}
