// WASI of the runtime's own, from the module "node:wasi".

import fs from "node:fs";
import { builtinModules, createRequire } from "node:module";

const { process } = globalThis; // not imported: see driver.mjs
const STANDARD_ERROR = 2;

const require = createRequire(import.meta.url);

/**
 * WASI's versions and what makes one by its options, or null where the runtime has none. Node.js up to 18 has one if it was started with
 * --experimental-wasi-unstable-preview1. Bun's can't be used here: it has no `initialize`, which reactors need, and writes
 * what guests print to standard output, which is the protocol's. Standard input is empty, and what guests print goes to
 * standard error.
 */
export const wasi = builtinModules.includes("wasi") && !process.versions.bun ? { versions: versions(), make } : null;

/** Node.js before 20 (and before 18.17, 19.8) knows no version but preview 1. */
function versions() {
  const [major, minor] = process.versions.node.split(".").map(Number);
  const chosen = major >= 20 || (major === 19 && minor >= 8) || (major === 18 && minor >= 17);
  return chosen ? ["preview1", "unstable"] : ["preview1"];
}

function make(options) {
  const { WASI } = require("node:wasi"); // not before it is needed: loading it prints a warning
  const [stdin, stdout, stderr] = [fs.openSync("/dev/null", "r"), openError(), openError()];
  return new WASI({ ...options, stdin, stdout, stderr });
}

/**
 * Standard error by a descriptor that the guest may close. Besides, Deno takes the numbers 0 to 2 for its own streams,
 * whichever of the three they are given for.
 */
function openError() {
  try {
    return fs.openSync("/dev/stderr", "a");
  } catch {
    return STANDARD_ERROR; // it is a socket, which can't be opened
  }
}
