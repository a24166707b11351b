// The driver protocol (docs/driver-protocol.md), without input and output: those are a `host`'s, so that a process, and
// later a browser's worker, can use the same core.
//
// A host is an object with
//   receive()             the next line; blocks. When input has ended it ends the program and does not return.
//   send(line)            writes one line, flushed
//   exit()                ends the program with status 0
//   die(error)            ends the program, loudly: the driver is at fault
//   log(text)             a line for standard error
//   turn()                a promise, resolved after the event loop has turned once
//   decodeBase64(text), encodeBase64(bytes)
//   collect()             runs the garbage collection; undefined where that can't be done
//   runtime, language     what `initialize` says of the runtime and of the host language
//   startAgent()          for agents: starts a worker; see agents.mjs. May be missing.
//   prepareGlobals(), loadScript(path)
//                         for glue: sets the globals that the scripts expect and lack; runs a classic script.
//                         Both may be missing: then no glue is run.
//   wasi                  null, or the `versions` of WASI and `make`, a function that makes a `WASI` like Node.js's by its options

import { HostThrow, Refusal, noMethod } from "./errors.mjs";
import { Glue } from "./glue.mjs";
import { Known } from "./known.mjs";
import { METHODS } from "./methods.mjs";
import { mapped, toWasm, typed } from "./values.mjs";

/** Serve requests until the program ends. */
export async function serve(host) {
  const session = new Session(host);
  for (;;) {
    const message = session.receive();
    if (session.glued) await host.turn(); // a guest's scheduler needs it; a turn costs as much as a request
    const unfinished = session.serve(message);
    if (unfinished !== undefined) await unfinished;
  }
}

/** A conversation with one harness. */
export class Session extends Known {
  constructor(host) {
    super(host);
    this.glue = new Glue(host);
    this.glued = false; // whether a guest with glue may live
    this.depth = 0; // host functions under way
    this.modules = new Map();
    this.calls = 0;
  }

  receive() {
    const line = this.host.receive();
    try {
      return JSON.parse(line);
    } catch (error) {
      return this.host.die(error);
    }
  }

  /** Serve one request. Returns a promise where its answer has to wait for one. */
  serve({ id, method, params }) {
    try {
      const serveMethod = METHODS.get(method);
      if (serveMethod === undefined) throw noMethod(method);
      const result = serveMethod(this, params ?? {}, id);
      if (result instanceof Promise) {
        return result.then(
          (later) => this.#answer(id, later),
          (error) => this.#fail(id, method, error),
        );
      }
      this.#answer(id, result);
    } catch (error) {
      this.#fail(id, method, error);
    }
    return undefined;
  }

  #answer(id, result) {
    if (result !== undefined && result.bytes === undefined) this.results.set(id, result);
    this.host.send(`{"jsonrpc":"2.0","id":${id},"result":${result === undefined ? "{}" : JSON.stringify(result)}}`);
  }

  #fail(id, method, error) {
    if (!(error instanceof Refusal)) return this.host.die(error);
    this.failures.set(id, method);
    const { code, message, data } = error;
    this.host.send(JSON.stringify({ jsonrpc: "2.0", id, error: { code, message, data } }));
    return undefined;
  }

  // ------------------------------------------------------------- objects

  module(id) {
    return this.modules.get(id) ?? this.missing(id, `no module ${id}`);
  }

  has(Class) {
    for (const object of this.objects.values()) if (object instanceof Class) return true;
    return false;
  }

  release(id) {
    this.objects.delete(id);
    this.modules.delete(id);
    this.failures.delete(id);
  }

  /** Drop all but modules and views: JavaScript's API has no store that would hold them. */
  releaseStore(View) {
    for (const [id, object] of this.objects) {
      if (!(object instanceof View)) this.objects.delete(id);
    }
  }

  /** Drop all but modules (and the knowledge which could not be compiled). */
  releaseAll() {
    for (const object of this.objects.values()) object.wasi?.close();
    this.objects.clear();
    this.results.clear();
    for (const [id, method] of this.failures) {
      if (method !== "module.compile") this.failures.delete(id);
    }
    if (this.glued) this.glue.sweep();
    this.glued = false;
  }

  // ------------------------------------------------------ host functions

  /** A host function that asks the harness. */
  hostFunction(func, { params, results }) {
    return (...args) => {
      const line = this.#callLine(func, params, args);
      const answer = this.#ask(line);
      if (answer.error === undefined) return this.#returned(results, answer.result.values);
      const { message, data } = answer.error;
      const text = data?.message ?? message;
      throw data?.kind === "trap" ? new WebAssembly.RuntimeError(text) : new HostThrow(text);
    };
  }

  #callLine(func, params, args) {
    const values = params.map((type, i) => typed(type, args[i]));
    return { jsonrpc: "2.0", id: `h${++this.calls}`, method: "import.call", params: { func, args: values } };
  }

  /** Ask the harness, and serve it until it has answered. */
  #ask(call) {
    this.depth += 1;
    try {
      this.host.send(JSON.stringify(call));
      for (;;) {
        const message = this.receive();
        if (message.method !== undefined) this.serve(message);
        else if (message.id === call.id && (message.error ?? message.result?.values) != null) return message;
        else throw new Error(`no answer to ${call.id}: ${JSON.stringify(message)}`);
      }
    } catch (error) {
      return this.host.die(error); // whatever it is, it must not pass for something that the guest did
    } finally {
      this.depth -= 1;
    }
  }

  #returned(types, values) {
    const host = mapped(values, ({ type, value }, i) => toWasm(types[i] ?? type, this.integer(value)));
    return host.length <= 1 ? host[0] : host;
  }
}
