package main

/*
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

typedef struct { size_t size; char *data; } wasm_byte_vec_t;
typedef struct { uint8_t kind; union { int32_t i32; int64_t i64; uint32_t f32; uint64_t f64; void *ref; } of; } wasm_val_t;
typedef struct { size_t size; wasm_val_t *data; } wasm_val_vec_t;
typedef struct wasm_store_t wasm_store_t;
typedef struct wasm_trap_t wasm_trap_t;

wasm_trap_t *wasm_trap_new(wasm_store_t *, const wasm_byte_vec_t *);
*/
import "C"

import "unsafe"

type hostFunction struct {
	name            string
	params, results []string
}

var hostFunctions []hostFunction // a scenario's, by number

// callHost is what every host function calls: it asks linmem, and serves it until the answer has come.
//
//export callHost
func callHost(number unsafe.Pointer, args, results *C.wasm_val_vec_t) *C.wasm_trap_t {
	function := hostFunctions[uintptr(number)]
	given := make([]typed, len(function.params))
	for i, value := range unsafe.Slice(args.data, len(given)) {
		given[i] = typed{function.params[i], bitsOf(function.params[i], unsafe.Pointer(&value.of))}
	}
	answer, thrown := askHarness(function.name, given)
	if thrown != nil { // this API has no exceptions of the host's: whatever leaves a host function is a trap
		words := C.wasm_byte_vec_t{C.size_t(len(thrown.text) + 1), C.CString(thrown.text)}
		defer C.free(unsafe.Pointer(words.data))
		return C.wasm_trap_new((*C.wasm_store_t)(unsafe.Pointer(scenarioStore())), &words)
	}
	for i := range unsafe.Slice(results.data, len(answer)) {
		value := &unsafe.Slice(results.data, len(answer))[i]
		value.kind = C.uint8_t(kinds[function.results[i]])
		*(*uint64)(unsafe.Pointer(&value.of)) = answer[i].bits
	}
	return nil
}

// bitsOf reads the member of a value's union that its type names; the rest of it may be anything.
func bitsOf(name string, union unsafe.Pointer) uint64 {
	if widths[name] == 4 {
		return uint64(*(*uint32)(union))
	}
	return *(*uint64)(union)
}
