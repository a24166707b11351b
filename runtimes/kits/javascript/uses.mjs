// What else of JavaScript's and the Web's APIs takes a memory, a view or its buffer: the protocol's `object.use`.

import { refused, unsupported } from "./errors.mjs";
import { Memory, View } from "./objects.mjs";

// Taken before any glue runs, which may add what the engine lacks.
const { MessageChannel, TextDecoder, TextEncoder, crypto, structuredClone } = globalThis;

/** A method of a memory, or of a view's buffer; `convert` makes its argument of the request's value. */
function method(owner, name, convert) {
  return (session, object, value) => {
    const host = owner(object);
    if (typeof host[name] !== "function") throw unsupported(`a ${host.constructor.name} has no ${name} here`);
    const args = convert === undefined ? [] : [convert(session, value)];
    return () => void host[name](...args);
  };
}

/** What the global `needed` stands for, where there is one. */
function library(needed, name, use) {
  return (session, { view }, value) => {
    if (needed == null) throw unsupported(`this engine has no ${name}`);
    return () => use(view, value, session);
  };
}

function postMessage({ buffer }) {
  const { port1, port2 } = new MessageChannel();
  try {
    port1.postMessage(buffer, [buffer]);
  } finally {
    port1.close();
    port2.close();
  }
}

const memory = (object) => object.memory;
const buffer = (object) => object.view.buffer;
const bytes = (session, value) => Number(session.integer(value));
const utf8 = (session, text) => ({ bytes: session.host.encodeBase64(new TextEncoder().encode(text)) });

/** Each checks that the API exists, and gives the function that uses it. */
const USES = new Map([
  ["Memory.toResizableBuffer", method(memory, "toResizableBuffer")],
  ["Memory.toFixedLengthBuffer", method(memory, "toFixedLengthBuffer")],
  ["ArrayBuffer.resize", method(buffer, "resize", bytes)],
  ["ArrayBuffer.transfer", method(buffer, "transfer")],
  ["SharedArrayBuffer.grow", method(buffer, "grow", bytes)],
  ["structuredClone", library(structuredClone, "structuredClone", (view) => void structuredClone(view.buffer, { transfer: [view.buffer] }))],
  ["MessagePort.postMessage", library(MessageChannel, "MessageChannel", postMessage)],
  ["TextDecoder.decode", library(TextDecoder, "TextDecoder", (view, _, session) => utf8(session, new TextDecoder().decode(view)))],
  [
    "TextEncoder.encodeInto",
    library(TextEncoder?.prototype.encodeInto, "TextEncoder.encodeInto", (view, text) => ({ count: new TextEncoder().encodeInto(text, view).written })),
  ],
  ["crypto.getRandomValues", library(crypto?.getRandomValues, "crypto.getRandomValues", (view) => void crypto.getRandomValues(view))],
]);

/** Use another part of the API on an object. */
export function useObject(session, { object: id, api, value }) {
  const prepare = USES.get(api);
  if (prepare === undefined) throw unsupported(`JavaScript has no ${api}`);
  const use = prepare(session, session.object(id, api.startsWith("Memory.") ? Memory : View), value);
  try {
    return use();
  } catch (error) {
    throw refused(error, "host");
  }
}
