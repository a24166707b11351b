// The globals that language glue expects of its surroundings, and the ways out that it must not take.
//
// Glue scripts bring `fs`, `path` and `process` themselves where those are missing, and are left to: with Node.js's own
// `fs`, whose `write` calls back later, a Go 1.27 export that prints returns at once with a wrong result and breaks the
// program at its next event. The scripts' own `fs.writeSync` prints by `console.log`.

import fs from "node:fs";
import { createRequire } from "node:module";
import v8 from "node:v8";
import vm from "node:vm";

import { GuestExit } from "../kits/javascript/errors.mjs";

// The global, not an import: importing "node:process" reads its every property, process.stdin too, and that makes the
// pipes non-blocking.
const { process } = globalThis;

const require = createRequire(import.meta.url);

/**
 * Send what JavaScript prints to standard error: standard output belongs to the protocol. Node.js's own console follows
 * `process.stdout`; Deno's and Bun's write by themselves.
 */
export function redirectOutput() {
  const { Console } = require("node:console");
  Object.defineProperty(process, "stdout", { get: () => process.stderr, configurable: true });
  globalThis.console = new Console(process.stderr);
}

/** Set what Go's script can't go without (Node.js 18 has no global `crypto`), and keep guests from ending the driver. */
export function prepareGlobals() {
  globalThis.crypto ??= require("node:crypto").webcrypto;
  globalThis.performance ??= require("node:perf_hooks").performance;
  globalThis.TextEncoder ??= require("node:util").TextEncoder;
  globalThis.TextDecoder ??= require("node:util").TextDecoder;
  process.exit = (status) => {
    throw new GuestExit(status ?? process.exitCode ?? 0);
  };
}

/** What runs the garbage collection; undefined where this runtime has no way to do that. */
export function garbageCollector() {
  const { Bun, Deno } = globalThis;
  if (Bun !== undefined) return () => Bun.gc(true);
  if (Deno !== undefined) return globalThis.gc; // there if it was started with --v8-flags=--expose-gc
  v8.setFlagsFromString("--expose-gc"); // for contexts that are made from now on
  return vm.runInNewContext("gc");
}

/** Run a file as a classic script, in this realm. */
export function loadScript(path) {
  vm.runInThisContext(fs.readFileSync(path, "utf8"), { filename: path });
}
