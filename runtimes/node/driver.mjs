// The driver of JavaScript runtimes that have Node.js's modules: Node.js itself, Deno and Bun. It speaks the protocol of
// docs/driver-protocol.md on standard input and output.

import fs from "node:fs";
import { setImmediate } from "node:timers";

import { serve } from "../kits/javascript/core.mjs";
import { startAgent } from "./agents.mjs";
import * as base64 from "./base64.mjs";
import { garbageCollector, loadScript, prepareGlobals, redirectOutput } from "./globals.mjs";
import { LineReader, writeLine } from "./stdio.mjs";
import { wasi } from "./wasi.mjs";

// The global, not an import: importing "node:process" reads its every property, process.stdin too, and that makes the
// pipes non-blocking.
const { process } = globalThis;

const EX_SOFTWARE = 70; // sysexits.h: an internal error

const input = new LineReader(0);
const exit = process.exit.bind(process); // kept, as guests get another

function identify() {
  const { versions } = process;
  if (versions.bun) return ["bun", versions.bun, "Bun", `JavaScriptCore ${versions.webkit}`];
  if (versions.deno) return ["deno", versions.deno, "Deno", `V8 ${versions.v8}`];
  return ["node", versions.node, "Node.js", `V8 ${versions.v8}`];
}

let collector; // made when first asked for

const [name, version, implementation, engine] = identify();

const host = {
  runtime: { name, version, engine },
  language: { language: "JavaScript", version, implementation },

  receive() {
    const line = input.next();
    if (line === null) exit(0);
    return line;
  },
  send(line) {
    try {
      writeLine(1, line);
    } catch (error) {
      if (error.code === "EPIPE") exit(0); // the harness has gone
      throw error;
    }
  },
  exit() {
    exit(0);
  },
  die(error) {
    this.log(`the driver is at fault: ${error?.stack ?? error}`);
    exit(EX_SOFTWARE);
  },
  log(text) {
    fs.writeSync(2, `${text}\n`);
  },
  turn() {
    return new Promise((resolve) => setImmediate(resolve));
  },
  ...base64,
  get collect() {
    return (collector ??= garbageCollector());
  },
  loadScript,
  prepareGlobals,
  startAgent,
  wasi,
};

redirectOutput();
await serve(host);
