// What a request can make, and a later one name.

import { badParams } from "./errors.mjs";

export class Instance {
  constructor(instance, program = null, wasi = null) {
    this.exports = instance.exports;
    this.program = program; // set where glue started it
    this.wasi = wasi; // set where the runtime's own WASI serves it
  }
}

/** An exported function that was taken. `program` and `wasi` are its instance's. */
export class Callable {
  constructor(host, program, wasi) {
    this.host = host;
    this.program = program;
    this.wasi = wasi;
  }
}

export class Global {
  constructor(host) {
    this.host = host;
  }
}

export class Memory {
  constructor(memory) {
    this.memory = memory;
  }

  get host() {
    return this.memory;
  }
}

export class View {
  constructor(kind, view) {
    this.kind = kind;
    this.view = view;
  }
}

/** Workers that play agents. */
export class Agents {
  constructor(workers) {
    this.workers = workers;
  }
}

/** What a request made that is an object of the host's: a memory, a function or a global. */
export function comparable(session, id) {
  const Class = [Callable, Global].find((one) => session.objects.get(id) instanceof one) ?? Memory;
  return session.object(id, Class);
}

/** The bytes that a text in base64 stands for. */
export function decode(session, base64) {
  if (typeof base64 !== "string") throw badParams("'bytes' is not a text");
  return session.host.decodeBase64(base64);
}

/** A parameter that must be a list. */
export function list(value, name) {
  if (!Array.isArray(value)) throw badParams(`'${name}' is not a list`);
  return value;
}
