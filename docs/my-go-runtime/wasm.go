package main

/*
#cgo LDFLAGS: -L${SRCDIR}/lib/wasmtime/linux-x86_64 -l:_libwasmtime.so
#cgo LDFLAGS: -Wl,-rpath,${SRCDIR}/lib/wasmtime/linux-x86_64
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

// The part of the WebAssembly C API that is used here (https://github.com/WebAssembly/wasm-c-api).
typedef struct { size_t size; char *data; } wasm_byte_vec_t;
typedef struct { uint32_t min, max; } wasm_limits_t;
typedef struct { uint8_t kind; union { int32_t i32; int64_t i64; uint32_t f32; uint64_t f64; void *ref; } of; } wasm_val_t;
typedef struct { size_t size; wasm_val_t *data; } wasm_val_vec_t;
typedef struct wasm_config_t wasm_config_t;
typedef struct wasm_engine_t wasm_engine_t;
typedef struct wasm_store_t wasm_store_t;
typedef struct wasm_module_t wasm_module_t;
typedef struct wasm_shared_module_t wasm_shared_module_t;
typedef struct wasm_instance_t wasm_instance_t;
typedef struct wasm_trap_t wasm_trap_t;
typedef struct wasm_extern_t wasm_extern_t;
typedef struct wasm_func_t wasm_func_t;
typedef struct wasm_global_t wasm_global_t;
typedef struct wasm_memory_t wasm_memory_t;
typedef struct wasm_valtype_t wasm_valtype_t;
typedef struct wasm_functype_t wasm_functype_t;
typedef struct wasm_globaltype_t wasm_globaltype_t;
typedef struct wasm_memorytype_t wasm_memorytype_t;
typedef struct wasm_importtype_t wasm_importtype_t;
typedef struct wasm_exporttype_t wasm_exporttype_t;
typedef struct { size_t size; wasm_extern_t **data; } wasm_extern_vec_t;
typedef struct { size_t size; wasm_valtype_t **data; } wasm_valtype_vec_t;
typedef struct { size_t size; wasm_importtype_t **data; } wasm_importtype_vec_t;
typedef struct { size_t size; wasm_exporttype_t **data; } wasm_exporttype_vec_t;
typedef wasm_trap_t *(*wasm_func_callback_with_env_t)(void *, const wasm_val_vec_t *, wasm_val_vec_t *);

wasm_config_t *wasm_config_new(void);
void wasmtime_config_shared_memory_set(wasm_config_t *, bool);
wasm_engine_t *wasm_engine_new_with_config(wasm_config_t *);
wasm_store_t *wasm_store_new(wasm_engine_t *);
void wasm_store_delete(wasm_store_t *);
wasm_module_t *wasm_module_new(wasm_store_t *, const wasm_byte_vec_t *);
wasm_shared_module_t *wasm_module_share(const wasm_module_t *);
wasm_module_t *wasm_module_obtain(wasm_store_t *, const wasm_shared_module_t *);
void wasm_module_imports(const wasm_module_t *, wasm_importtype_vec_t *);
void wasm_module_exports(const wasm_module_t *, wasm_exporttype_vec_t *);
const wasm_byte_vec_t *wasm_importtype_module(const wasm_importtype_t *);
const wasm_byte_vec_t *wasm_importtype_name(const wasm_importtype_t *);
const wasm_byte_vec_t *wasm_exporttype_name(const wasm_exporttype_t *);
wasm_instance_t *wasm_instance_new(wasm_store_t *, const wasm_module_t *, const wasm_extern_vec_t *, wasm_trap_t **);
void wasm_instance_exports(const wasm_instance_t *, wasm_extern_vec_t *);
wasm_trap_t *wasm_trap_new(wasm_store_t *, const wasm_byte_vec_t *);
void wasm_trap_message(const wasm_trap_t *, wasm_byte_vec_t *);
wasm_func_t *wasm_extern_as_func(wasm_extern_t *);
wasm_memory_t *wasm_extern_as_memory(wasm_extern_t *);
wasm_extern_t *wasm_func_as_extern(wasm_func_t *);
wasm_extern_t *wasm_global_as_extern(wasm_global_t *);
wasm_extern_t *wasm_memory_as_extern(wasm_memory_t *);
wasm_trap_t *wasm_func_call(const wasm_func_t *, const wasm_val_vec_t *, wasm_val_vec_t *);
wasm_func_t *wasm_func_new_with_env(wasm_store_t *, const wasm_functype_t *, wasm_func_callback_with_env_t, void *, void (*)(void *));
wasm_valtype_t *wasm_valtype_new(uint8_t);
wasm_functype_t *wasm_functype_new(wasm_valtype_vec_t *, wasm_valtype_vec_t *);
wasm_globaltype_t *wasm_globaltype_new(wasm_valtype_t *, uint8_t);
wasm_global_t *wasm_global_new(wasm_store_t *, const wasm_globaltype_t *, const wasm_val_t *);
wasm_memorytype_t *wasm_memorytype_new(const wasm_limits_t *);
wasm_memory_t *wasm_memory_new(wasm_store_t *, const wasm_memorytype_t *);
char *wasm_memory_data(wasm_memory_t *);
size_t wasm_memory_data_size(const wasm_memory_t *);
uint32_t wasm_memory_size(const wasm_memory_t *);
bool wasm_memory_grow(wasm_memory_t *, uint32_t);

// A Go function (host.go). The environment is the host function's number.
extern wasm_trap_t *callHost(void *, wasm_val_vec_t *, wasm_val_vec_t *);

static wasm_func_t *newFunc(wasm_store_t *store, wasm_functype_t *type, uintptr_t number) {
	return wasm_func_new_with_env(store, type, (wasm_func_callback_with_env_t)callHost, (void *)number, NULL);
}
*/
import "C"

import (
	"fmt"
	"strings"
	"unsafe"
)

var kinds = map[string]C.uint8_t{"i32": 0, "i64": 1, "f32": 2, "f64": 3}

var (
	engine    = newEngine()
	compiling = C.wasm_store_new(engine) // modules outlive a scenario, so they are compiled in a store of their own
	store     *C.wasm_store_t            // the scenario's, with all that it makes
)

type extern = *C.wasm_extern_t

type module struct{ shared *C.wasm_shared_module_t }
type instance struct{ exports map[string]extern }
type memory struct{ memory *C.wasm_memory_t }

// A view is what a Go program makes of wasm_memory_data: a slice, which checks every index and knows nothing of growth.
type view struct{ bytes []byte }

func scenarioStore() *C.wasm_store_t {
	if store == nil {
		store = C.wasm_store_new(engine)
	}
	return store
}

func releaseStore() {
	if store != nil {
		C.wasm_store_delete(store)
		store = nil
	}
}

func compile(code []byte) *module {
	bytes := C.wasm_byte_vec_t{C.size_t(len(code)), (*C.char)(C.CBytes(code))}
	defer C.free(unsafe.Pointer(bytes.data))
	compiled := C.wasm_module_new(compiling, &bytes)
	if compiled == nil {
		panic(refused("compile", "NULL", "wasm_module_new returned NULL"))
	}
	return &module{C.wasm_module_share(compiled)}
}

func (m *module) instantiate(given map[[2]string]extern) *instance {
	obtained := C.wasm_module_obtain(scenarioStore(), m.shared)
	var wanted C.wasm_importtype_vec_t
	C.wasm_module_imports(obtained, &wanted)
	var externs []extern // in the order of the module's imports: this API knows no names
	for _, item := range unsafe.Slice(wanted.data, wanted.size) {
		name := [2]string{text(C.wasm_importtype_module(item)), text(C.wasm_importtype_name(item))}
		if given[name] == nil {
			panic(refused("link", "Missing", fmt.Sprintf("nothing to give for the import %s.%s", name[0], name[1])))
		}
		externs = append(externs, given[name])
	}
	var trap *C.wasm_trap_t
	imports := C.wasm_extern_vec_t{C.size_t(len(externs)), externArray(externs)}
	made := C.wasm_instance_new(scenarioStore(), obtained, &imports, &trap)
	if made == nil {
		panic(trapped(trap, "link"))
	}
	var names C.wasm_exporttype_vec_t
	var values C.wasm_extern_vec_t
	C.wasm_module_exports(obtained, &names)
	C.wasm_instance_exports(made, &values)
	exports := map[string]extern{}
	for i, item := range unsafe.Slice(names.data, names.size) {
		exports[text(C.wasm_exporttype_name(item))] = unsafe.Slice(values.data, values.size)[i]
	}
	return &instance{exports}
}

func (i *instance) call(name string, args []typed, results []string) []typed {
	function := C.wasm_extern_as_func(i.export(name))
	if function == nil {
		panic(refused("host", "NULL", "wasm_extern_as_func returned NULL: '"+name+"' is no function"))
	}
	given, taken := values(args), values(make([]typed, len(results)))
	if trap := C.wasm_func_call(function, &given, &taken); trap != nil {
		panic(trapped(trap, "host"))
	}
	return said(&taken, results)
}

func (i *instance) export(name string) extern {
	found := i.exports[name]
	if found == nil {
		panic(refused("host", "Missing", "the instance exports no '"+name+"'"))
	}
	return found
}

func (i *instance) memory(name string) *memory {
	found := C.wasm_extern_as_memory(i.export(name))
	if found == nil {
		panic(refused("host", "NULL", "wasm_extern_as_memory returned NULL: '"+name+"' is no memory"))
	}
	return &memory{found}
}

func newMemory(min, max uint32) *memory {
	limits := C.wasm_limits_t{C.uint32_t(min), C.uint32_t(max)}
	kind := C.wasm_memorytype_new(&limits)
	if kind == nil {
		panic(refused("host", "NULL", "wasm_memorytype_new returned NULL"))
	}
	made := C.wasm_memory_new(scenarioStore(), kind)
	if made == nil {
		panic(refused("host", "NULL", "wasm_memory_new returned NULL"))
	}
	return &memory{made}
}

func newGlobal(value typed, mutable bool) extern {
	mutability := C.uint8_t(0)
	if mutable {
		mutability = 1
	}
	kind := C.wasm_globaltype_new(C.wasm_valtype_new(kinds[value.Type]), mutability)
	initial := values([]typed{value})
	return C.wasm_global_as_extern(C.wasm_global_new(scenarioStore(), kind, initial.data))
}

func newHostFunction(number int, params, results []string) extern {
	kind := C.wasm_functype_new(valueTypes(params), valueTypes(results))
	return C.wasm_func_as_extern(C.newFunc(scenarioStore(), kind, C.uintptr_t(number)))
}

func (m *memory) extern() extern { return C.wasm_memory_as_extern(m.memory) }
func (m *memory) size() uint32   { return uint32(C.wasm_memory_size(m.memory)) }

func (m *memory) grow(delta uint32) uint32 {
	before := m.size()
	if !C.wasm_memory_grow(m.memory, C.uint32_t(delta)) {
		panic(refused("host", "false", "wasm_memory_grow returned false"))
	}
	return before
}

func (m *memory) view() *view {
	data, length := C.wasm_memory_data(m.memory), C.wasm_memory_data_size(m.memory)
	return &view{unsafe.Slice((*byte)(unsafe.Pointer(data)), length)}
}

// Wasmtime's texts that differ from the specification's.
var inTheSpecification = map[string]string{
	"wasm `unreachable` instruction executed": "unreachable",
	"atomic wait on non-shared memory":        "expected shared memory",
}

// newEngine makes an engine with shared memories, which its users switch on: without them, guests with threads don't link.
func newEngine() *C.wasm_engine_t {
	config := C.wasm_config_new()
	C.wasmtime_config_shared_memory_set(config, true)
	return C.wasm_engine_new_with_config(config)
}

// trapped makes an error of a trap. `otherwise` is the kind of one that is no trap of the guest's.
func trapped(trap *C.wasm_trap_t, otherwise string) *failure {
	if trap == nil {
		return refused(otherwise, "NULL", "no reason was given")
	}
	var message C.wasm_byte_vec_t
	C.wasm_trap_message(trap, &message)
	words := strings.TrimRight(C.GoStringN(message.data, C.int(message.size)), "\x00")
	_, short, found := strings.Cut(words, "wasm trap: ")
	executed := strings.HasPrefix(words, "error while executing") // a host function threw, called by a start function
	if !found && !executed && otherwise == "link" {
		return refused("link", "wasm_trap_t", words)
	}
	if !found {
		short = strings.SplitN(words, "\n", 2)[0]
	}
	short, _, _ = strings.Cut(short, "\n")
	if specified, differs := inTheSpecification[short]; differs {
		short = specified
	}
	return &failure{kind: "trap", class: "wasm_trap_t", message: short, text: words}
}

func valueTypes(names []string) *C.wasm_valtype_vec_t {
	types := make([]*C.wasm_valtype_t, len(names)+1)
	for i, name := range names {
		kind, known := kinds[name]
		if !known {
			panic(refused("unsupported", "", "values of type "+name))
		}
		types[i] = C.wasm_valtype_new(kind)
	}
	size := C.size_t(len(types)) * C.size_t(unsafe.Sizeof(types[0]))
	array := C.malloc(size)
	C.memcpy(array, unsafe.Pointer(&types[0]), size)
	return &C.wasm_valtype_vec_t{C.size_t(len(names)), (**C.wasm_valtype_t)(array)}
}

func externArray(externs []extern) **C.wasm_extern_t {
	array := C.malloc(C.size_t(len(externs)+1) * C.size_t(unsafe.Sizeof(uintptr(0))))
	copy(unsafe.Slice((**C.wasm_extern_t)(array), len(externs)), externs)
	return (**C.wasm_extern_t)(array)
}

// values are typed values as the API has them. `of` is a union, which Go sees as bytes.
func values(all []typed) C.wasm_val_vec_t {
	array := (*C.wasm_val_t)(C.malloc(C.size_t(len(all)+1) * C.size_t(unsafe.Sizeof(C.wasm_val_t{}))))
	for i, value := range unsafe.Slice(array, len(all)) {
		value.kind = kinds[all[i].Type]
		*(*uint64)(unsafe.Pointer(&value.of)) = all[i].bits
		unsafe.Slice(array, len(all))[i] = value
	}
	return C.wasm_val_vec_t{C.size_t(len(all)), array}
}

func said(vector *C.wasm_val_vec_t, types []string) []typed {
	found := []typed{}
	for i, value := range unsafe.Slice(vector.data, len(types)) {
		found = append(found, typed{types[i], bitsOf(types[i], unsafe.Pointer(&value.of))})
	}
	return found
}

func text(bytes *C.wasm_byte_vec_t) string { return C.GoStringN(bytes.data, C.int(bytes.size)) }
