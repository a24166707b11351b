// Language glue: a guest is started by its own toolchain's script, as that language's users start it.

import { badParams, exited, refused, unsupported } from "./errors.mjs";

export const KINDS = ["go"];

/** A started Go program: its `Go` object, and how its start or the program ended. */
class Program {
  failure = null; // {error}, as anything can be thrown
  #go;
  #hasHook;
  #status = 0;

  constructor(go) {
    this.#go = go;
    const usual = go.exit;
    this.#hasHook = typeof usual === "function"; // Go's; TinyGo's glue keeps `exitCode` instead
    if (!this.#hasHook) return;
    go.exit = (status) => {
      this.#status = status;
      return usual.call(go, status);
    };
  }

  /**
   * Whether the program has ended. Go says that the exports of a program are not to be called once `main` has returned; a TinyGo program also exits,
   * with status 0, but its users go on and call its exports.
   */
  get ended() {
    return this.#go.exited === true && (this.#hasHook || this.status !== 0);
  }

  get status() {
    return this.#hasHook ? this.#status : (this.#go.exitCode ?? 0);
  }
}

/**
 * Loads glue scripts and starts guests with them. It also ends what guests leave behind in JavaScript when a scenario is
 * over: timers that would run a released guest (Go's scheduler sets one per sleep, and each keeps the whole instance alive
 * until it fires), and globals.
 */
export class Glue {
  #host;
  #classes = new Map(); // path -> its `Go` class: two scripts must not mix
  #timers = new Set();
  #globals = null;
  #clearTimeout = null;

  constructor(host) {
    this.#host = host;
  }

  /** Start `module` by `{kind, path}`: `{instance, program}`. `listed` holds further imports, by module and name. */
  start({ kind, path }, module, listed) {
    if (!KINDS.includes(kind)) throw unsupported(`no glue of kind '${kind}'`);
    const Go = this.#load(path);
    globalThis.Go = Go;
    try {
      const go = new Go();
      const program = new Program(go);
      const instance = new WebAssembly.Instance(module, merge(go.importObject, listed));
      const running = go.run(instance); // may never resolve
      running.then(undefined, (error) => {
        program.failure = { error };
        this.#host.log(`${path}: run() was rejected: ${error?.stack ?? error}`);
      });
      return { instance, program };
    } catch (error) {
      throw refused(error, "instantiate");
    }
  }

  /** End what guests left. */
  sweep() {
    if (this.#globals === null) return;
    for (const timer of this.#timers) this.#clearTimeout.call(globalThis, timer);
    this.#timers.clear();
    for (const key of Reflect.ownKeys(globalThis)) {
      if (!this.#globals.has(key)) Reflect.deleteProperty(globalThis, key);
    }
  }

  #load(path) {
    const known = this.#classes.get(path);
    if (known !== undefined) return known;
    if (this.#globals === null) this.#prepare();
    const before = new Set(Reflect.ownKeys(globalThis));
    delete globalThis.Go;
    try {
      this.#host.loadScript(path);
    } catch (error) {
      throw badParams(`the glue ${path} can't be run: ${error}`); // the scenario's own fault, not the runtime's
    }
    const Go = globalThis.Go;
    if (typeof Go !== "function") throw badParams(`the glue ${path} does not define globalThis.Go`);
    for (const key of Reflect.ownKeys(globalThis)) {
      if (!before.has(key)) this.#globals.add(key);
    }
    this.#classes.set(path, Go);
    return Go;
  }

  #prepare() {
    this.#host.prepareGlobals();
    this.#watchTimers();
    this.#globals = new Set(Reflect.ownKeys(globalThis)).add("Go");
  }

  #watchTimers() {
    const timers = this.#timers;
    const { setTimeout, setInterval, clearTimeout } = globalThis;
    globalThis.setTimeout = (callback, ...rest) => {
      const fire = (...args) => {
        timers.delete(timer);
        return callback(...args);
      };
      const timer = setTimeout(fire, ...rest);
      timers.add(timer);
      return timer;
    };
    globalThis.setInterval = (...all) => {
      const timer = setInterval(...all);
      timers.add(timer);
      return timer;
    };
    globalThis.clearTimeout = globalThis.clearInterval = (timer) => {
      timers.delete(timer);
      clearTimeout(timer); // either kind: HTML, "Timers"
    };
    this.#clearTimeout = clearTimeout;
  }
}

/** Raise what became of a program's start: its `run` was rejected, or the program has already ended. */
export function checkStarted(program) {
  if (program.failure !== null) throw refused(program.failure.error, "instantiate");
  if (program.ended) throw exited(program.status);
}

// The glue's own imports come first; listed ones fill what it lacks. The glue's object is left as it is: TinyGo's has one
// module under two names.
function merge(own, listed) {
  const imports = { ...own };
  for (const name of Object.keys(listed)) {
    imports[name] = { ...listed[name], ...own[name] };
  }
  return imports;
}
