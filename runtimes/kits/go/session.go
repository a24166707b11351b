package kit

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"runtime/debug"
	"strings"
	"syscall"
)

const (
	textLimit = 8192 // bytes of the runtime's own words: a stack trace can be long
	// How deep calls of host functions nest.
	maxNesting = 250
)

// A message is a request, or the answer to one of ours.
type message struct {
	ID     json.RawMessage `json:"id"`
	Method string          `json:"method"`
	Params json.RawMessage `json:"params"`
	Result json.RawMessage `json:"result"`
	Error  *struct {
		Message string `json:"message"`
		Data    struct{ Kind string }
	} `json:"error"`
}

type object = map[string]any

type session struct {
	newDriver func(variant, cache string) Driver
	driver    Driver
	in        *bufio.Reader
	out       *os.File
	objects   map[int64]any // by the id of the request that made them
	modules   map[int64]Module
	results   map[int64]Typed // the first number that a request gave
	failed    map[int64]bool
	broken    map[int64]bool // modules that could not be made
	asked     int
	nesting   int
}

// Main serves the protocol until standard input ends. newDriver is called with the variant and the folder for compiled
// code of `initialize`, each perhaps empty.
func Main(newDriver func(variant, cache string) Driver) {
	debug.SetTraceback("crash") // die by the signal, as programs without a Go runtime do
	s := &session{newDriver: newDriver, objects: map[int64]any{}, modules: map[int64]Module{},
		results: map[int64]Typed{}, failed: map[int64]bool{}, broken: map[int64]bool{}}
	s.takeStreams()
	for {
		s.serve(s.receive())
	}
}

// takeStreams keeps the protocol's two ends to ourselves: what runtime or guest print goes to standard error.
func (s *session) takeStreams() {
	in, err := syscall.Dup(0)
	check(err)
	out, err := syscall.Dup(1)
	check(err)
	syscall.CloseOnExec(in)
	syscall.CloseOnExec(out)
	nothing, err := os.Open(os.DevNull)
	check(err)
	check(duplicate(int(nothing.Fd()), 0))
	check(duplicate(2, 1))
	s.in = bufio.NewReaderSize(os.NewFile(uintptr(in), "requests"), 1<<16)
	s.out = os.NewFile(uintptr(out), "answers")
}

func check(err error) {
	if err != nil {
		leave("%s", err)
	}
}

// leave ends the process because of a fault of the driver's own, also from within a guest's call.
func leave(format string, args ...any) {
	fmt.Fprintf(os.Stderr, format+"\n", args...)
	os.Exit(70)
}

// receive reads one message. The end of input is the process's, wherever it is.
func (s *session) receive() (found message) {
	for {
		line, err := s.in.ReadBytes('\n')
		if err != nil {
			os.Exit(0)
		}
		found = message{}
		if err := json.Unmarshal(line, &found); err != nil {
			s.send(object{"id": nil, "error": object{"code": -32700, "message": "not JSON: " + err.Error()}})
		} else if len(found.ID) == 0 || string(found.ID) == "null" {
			s.send(object{"id": nil, "error": object{"code": -32600, "message": "neither a request nor an answer"}})
		} else {
			return found
		}
	}
}

// send writes one line, at once: a dead process is blamed on the first request that has no answer.
func (s *session) send(what object) {
	what["jsonrpc"] = "2.0"
	line, err := json.Marshal(what)
	check(err)
	_, err = s.out.Write(append(line, '\n'))
	check(err)
}

// serve answers one request.
func (s *session) serve(request message) {
	var id int64
	if err := json.Unmarshal(request.ID, &id); err != nil {
		s.send(object{"id": nil, "error": object{"code": -32600, "message": "requests have integer ids"}})
		return
	}
	var result any
	err := s.attempt(func() error {
		method := methods[request.Method]
		if method == nil || s.driver == nil && request.Method != "initialize" {
			return &Refusal{code: -32601, message: "no method " + request.Method}
		}
		var p params
		if len(request.Params) > 0 {
			decode(request.Params, &p)
		}
		var err error
		result, err = method(s, id, &p)
		return err
	})
	if err == nil {
		s.send(object{"id": id, "result": result})
		return
	}
	s.failed[id] = true
	if request.Method == "module.compile" {
		s.broken[id] = true
	}
	s.send(object{"id": id, "error": s.told(request.Method, err)})
}

// attempt catches refusals and panics, which a user sees too: of a slice's index, or of the runtime.
func (s *session) attempt(act func() error) (err error) {
	defer func() {
		switch thrown := recover().(type) {
		case nil:
		case *Refusal:
			err = thrown
		case error: // Go's own runtime.Error among them
			err = thrown
		default:
			err = fmt.Errorf("%v", thrown)
		}
	}()
	return act()
}

func (r *Refusal) Error() string { return r.message }

// told is an error as an answer has it.
func (s *session) told(method string, err error) object {
	if refusal := (*Refusal)(nil); errors.As(err, &refusal) {
		answer := object{"code": refusal.code, "message": refusal.message}
		if refusal.kind != "" {
			data := object{"kind": refusal.kind, "type": "Refusal", "message": refusal.message, "text": ""}
			if refusal.inexpressible {
				data["expressible"] = false
			}
			answer["data"] = data
		}
		return answer
	}
	if made := (*instantiation)(nil); errors.As(err, &made) {
		method = "instance.create"
	}
	kind, message := "host", err.Error()
	if thrown := (*Thrown)(nil); errors.As(err, &thrown) && !thrown.Trap {
		message = thrown.Message
	} else {
		kind, message = s.driver.Classify(method, err)
	}
	text := err.Error()
	if message == "" {
		message = text
	}
	data := object{"kind": kind, "type": className(err), "message": clipped(message), "text": clipped(text)}
	return object{"code": -32000, "message": clipped(message), "data": data}
}

// className is the type of the innermost error, whose wrappings say nothing; of a value that means no, the value.
func className(err error) string {
	for {
		inner := errors.Unwrap(err)
		if inner == nil {
			break
		}
		err = inner
	}
	if answered, ok := err.(*Answered); ok {
		return answered.Value
	}
	return strings.TrimPrefix(fmt.Sprintf("%T", err), "*")
}

func clipped(text string) string {
	if len(text) > textLimit {
		text = fmt.Sprintf("%s … (%d bytes)", text[:textLimit], len(text))
	}
	return strings.ToValidUTF8(text, "?")
}

// hostFunction is one that asks the harness, and serves it until the answer has come.
func (s *session) hostFunction(token string, params, results []string) *HostFunction {
	return &HostFunction{params, results, func(args []Typed) ([]Typed, error) {
		if s.nesting == maxNesting {
			panic(Unsupported("the driver nests calls of host functions %d deep at most", maxNesting))
		}
		s.nesting++
		defer func() { s.nesting-- }()
		return s.askHarness(token, args)
	}}
}

func (s *session) askHarness(token string, args []Typed) ([]Typed, error) {
	s.asked++
	id := fmt.Sprintf("h%d", s.asked)
	s.send(object{"id": id, "method": "import.call", "params": object{"func": token, "args": args}})
	for {
		answer := s.receive()
		if answer.Method != "" {
			s.serve(answer)
			continue
		}
		if string(answer.ID) != `"`+id+`"` {
			leave("the answer to import.call %s has id %s", id, answer.ID)
		}
		if answer.Error != nil {
			return nil, &Thrown{answer.Error.Message, answer.Error.Data.Kind == "trap"}
		}
		var found struct{ Values []argument }
		check(json.Unmarshal(answer.Result, &found))
		return s.arguments(found.Values), nil
	}
}
