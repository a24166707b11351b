// A guest whose imports the runtime's own WASI serves, used as Node.js's documentation has it
// (https://nodejs.org/api/wasi.html): `start` for a command, `initialize` for a reactor. Before one of them the WASI has no
// memory to read from.

import { exited, refused } from "./errors.mjs";

const MODULES = { preview1: "wasi_snapshot_preview1", unstable: "wasi_unstable" }; // by version
const DESCRIPTORS = 32; // more than a scenario's guest has open

/** One guest and its WASI, which `make(options)` of the host makes. */
export class WasiProgram {
  #wasi;
  #module;
  #instance = null;

  constructor(make, { version = "preview1", args, env, preopens }) {
    this.#module = MODULES[version];
    try {
      this.#wasi = make({ version, args, env, preopens, returnOnExit: true });
    } catch (error) {
      throw refused(error, "host");
    }
  }

  /** Instantiate `module`; `listed` holds further imports, by module and name. A reactor is initialised. */
  instantiate(module, listed) {
    try {
      this.#instance = new WebAssembly.Instance(module, { ...listed, [this.#module]: this.#wasi.wasiImport });
    } catch (error) {
      throw this.#refused(error, "instantiate");
    }
    if (this.isCommand("_start")) return this.#instance;
    try {
      this.#wasi.initialize(this.#instance);
    } catch (error) {
      throw this.#refused(error, "call");
    }
    return this.#instance;
  }

  /** Whether the export of this name is the entry of a command. */
  isCommand(name) {
    return name === "_start" && typeof this.#instance.exports._start === "function";
  }

  /** Run a command to its end. A status other than 0 is an exit; one of 0 can't be told from an end without any. */
  start() {
    const status = this.#wasi.start(this.#instance);
    if (status !== undefined && status !== 0) throw exited(status);
  }

  /**
   * Whether something was thrown because the guest called `proc_exit`: by Node.js a symbol, under which its WASI then has
   * the status, by Deno an object that has it.
   */
  ended(thrown) {
    return (typeof thrown === "symbol" && thrown in this.#wasi) || thrown?.constructor?.name === "WASIProcExit";
  }

  /** That as an answer. */
  exit(thrown) {
    return exited(typeof thrown === "symbol" ? this.#wasi[thrown] : thrown.code, thrown);
  }

  /** Close what the guest leaves open when its scenario is over: Node.js itself never does. */
  close() {
    for (let descriptor = 0; descriptor < DESCRIPTORS; descriptor += 1) {
      try {
        this.#wasi.wasiImport.fd_close(descriptor);
      } catch {
        return; // a command that was never started: its WASI can't be asked
      }
    }
  }

  #refused(error, during) {
    return this.ended(error) ? this.exit(error) : refused(error, during);
  }
}
