// A driver for the WebAssembly C API, as Wasmtime implements it. It speaks linmem's driver protocol, version 1.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"strings"
)

const version = "50.0.1" // the C API does not tell

var goVersion = runtime.Version()

// A message is a request, or the answer to one of ours.
type message struct {
	ID     any             `json:"id"`
	Method string          `json:"method"`
	Params json.RawMessage `json:"params"`
	Result json.RawMessage `json:"result"`
	Error  *struct {
		Message string `json:"message"`
	} `json:"error"`
}

// A failure is an error answer; functions panic with one.
type failure struct {
	code                       int
	kind, class, message, text string
}

func refused(kind, class, text string) *failure {
	return &failure{kind: kind, class: class, message: text, text: text}
}

type object = map[string]any

var (
	in      = bufio.NewReaderSize(os.Stdin, 1<<16)
	out     = os.Stdout
	objects = map[int64]any{}   // by the id of the request that made them
	modules = map[int64]any{}   // they outlive a scenario
	results = map[int64]typed{} // the first value that a request gave
	failed  = map[int64]bool{}
	asked   = 0
)

func main() {
	runtime.LockOSThread()
	debug.SetTraceback("crash") // die by the signal, as programs without a Go runtime do
	for {
		serve(receive())
	}
}

// receive reads one line. Its end is ours, wherever we are.
func receive() (found message) {
	line, err := in.ReadBytes('\n')
	if err != nil {
		os.Exit(0)
	}
	if err := json.Unmarshal(line, &found); err != nil {
		panic(err)
	}
	return found
}

// send writes one line, at once: a dead process is blamed on the first request that has no answer.
func send(what object) {
	what["jsonrpc"] = "2.0"
	line, err := json.Marshal(what)
	if err == nil {
		_, err = out.Write(append(line, '\n'))
	}
	if err != nil {
		panic(err)
	}
}

// serve answers one request.
func serve(request message) {
	id := int64(request.ID.(float64))
	result, err := attempt(id, request)
	if err == nil {
		send(object{"id": id, "result": result})
		return
	}
	failed[id] = true
	code := err.code
	if code == 0 {
		code = -32000
	}
	data := object{"kind": err.kind, "type": err.class, "message": err.message, "text": err.text}
	send(object{"id": id, "error": object{"code": code, "message": err.text, "data": data}})
}

func attempt(id int64, request message) (result object, err *failure) {
	defer func() {
		switch thrown := recover().(type) {
		case nil:
		case *failure:
			err = thrown
		case runtime.Error: // a slice's index is out of range: what Go's users see
			err = refused("host", strings.TrimPrefix(fmt.Sprintf("%T", thrown), "*"), thrown.Error())
		default:
			panic(thrown) // a fault of this driver's: die loudly
		}
	}()
	method, known := methods[request.Method]
	if !known {
		return nil, &failure{code: -32601, text: "no method " + request.Method}
	}
	params := params{}
	if err := json.Unmarshal(request.Params, &params); err != nil {
		return nil, &failure{code: -32602, text: err.Error()}
	}
	return method(id, params), nil
}

// askHarness has linmem play a host function.
func askHarness(name string, args []typed) ([]typed, *failure) {
	asked++
	id := fmt.Sprintf("h%d", asked)
	send(object{"id": id, "method": "import.call", "params": object{"func": name, "args": args}})
	for {
		answer := receive()
		if answer.Method != "" {
			serve(answer)
			continue
		}
		if answer.Error != nil {
			return nil, refused("host", "", answer.Error.Message)
		}
		var found struct{ Values []typed }
		if err := json.Unmarshal(answer.Result, &found); err != nil {
			panic(err)
		}
		return found.Values, nil
	}
}

// find is the object of a request, or the reason why there is none.
func find[T any](table map[int64]any, id int64) T {
	found, isThere := table[id].(T)
	if !isThere && failed[id] {
		panic(refused("skipped", "", fmt.Sprintf("request %d made nothing", id)))
	}
	if !isThere {
		panic(&failure{code: -32602, text: fmt.Sprintf("request %d made no %s", id, strings.TrimPrefix(fmt.Sprintf("%T", found), "*main."))})
	}
	return found
}
