// The driver, in a page's worker: the core that all JavaScript hosts share, with standard input and output replaced by
// synchronous requests to the bridge. Only a worker may block, and a host function must.

import { serve } from "../javascript/core.mjs";
import { startAgent } from "./agents.mjs";
import * as base64 from "./base64.mjs";

/** One request to the bridge; blocks until it has answered. */
function ask(method, name, body = null) {
  const request = new XMLHttpRequest();
  request.open(method, new URL(`../${name}`, import.meta.url), false);
  request.send(body);
  if (request.status !== 200) throw new Error(`the bridge answered ${name} with ${request.status}`);
  return request.responseText;
}

/** End: the bridge ends the browser, and this request with it. */
function leave(how, text) {
  for (;;) ask("POST", how, text);
}

const { runtime, language } = JSON.parse(ask("GET", "identity"));
let answers = "";
const ended = Symbol("ended");

const host = {
  runtime,
  language,

  // The answers so far go out before the next request comes in, so a request that kills the page is the first without one.
  receive() {
    const line = ask("POST", "next", answers);
    answers = "";
    return line;
  },
  send(line) {
    answers += `${line}\n`;
  },
  exit() {
    leave("exit", answers);
  },
  die(error) {
    leave("fault", `${error?.stack ?? error}`);
    throw ended;
  },
  log(text) {
    ask("POST", "log", text);
  },
  turn() {
    const { port1, port2 } = new MessageChannel();
    return new Promise((resolve) => {
      port1.onmessage = () => {
        port1.close();
        resolve();
      };
      port2.postMessage(null);
    });
  },
  ...base64,
  startAgent,
  collect: globalThis.gc, // Chromium is started so that it has one
  wasi: null,
  prepareGlobals() {}, // a browser has what the scripts expect, and no process that they could end
  loadScript(path) {
    const text = ask("GET", `script?${encodeURIComponent(path)}`);
    (0, eval)(`${text}\n//# sourceURL=${path}`); // a module worker has no importScripts
  },
};

// What JavaScript prints is no part of the protocol.
for (const name of ["debug", "error", "info", "log", "trace", "warn"]) {
  console[name] = (...parts) => host.log(parts.map(String).join(" "));
}

await serve(host);
