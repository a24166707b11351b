// The driver of JavaScriptCore's shell, `jsc` (https://trac.webkit.org/wiki/JSC). The shell reads and prints lines and has
// no module of Node.js's: what it lacks for language glue (TextDecoder, crypto) is not made up, so it runs none.

import { serve } from "../kits/javascript/core.mjs";

const EX_SOFTWARE = 70; // sysexits.h: an internal error
const [version] = globalThis.arguments ?? []; // jsc has no way to ask; see launch.py

const host = {
  runtime: { name: "jsc", version, engine: `JavaScriptCore ${version}` },
  language: { language: "JavaScript", version, implementation: "jsc" },

  /** `readline` makes a character of each byte, and "" of the end of input. */
  receive() {
    const line = readline();
    if (line === "") quit();
    return /[\x80-\xff]/.test(line) ? decodeURIComponent(escape(line)) : line;
  },
  send(line) {
    print(line); // flushed
  },
  exit() {
    quit();
  },
  die(error) {
    this.log(`the driver is at fault: ${error?.stack ?? error}`);
    quit(EX_SOFTWARE);
  },
  log(text) {
    printErr(text);
  },
  turn() {
    return new Promise((resolve) => setTimeout(resolve, 0));
  },
  decodeBase64(text) {
    return Uint8Array.fromBase64(text);
  },
  encodeBase64(bytes) {
    return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength).toBase64();
  },
  collect() {
    fullGC();
  },
};

await serve(host);
