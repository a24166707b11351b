// The protocol's methods on memories and views. Only the line that uses the API stands in a `try`: an error anywhere else
// is the driver's own.

import { badParams, refused, unsupported } from "./errors.mjs";
import { descriptor64, isMemory64, pages64 } from "./memory64.mjs";
import { Instance, Memory, View, decode } from "./objects.mjs";
import { hostValue, toMemory, typed, writeInteger } from "./values.mjs";
import { DEFAULTS, checkType, indexOf, kindNamed } from "./views.mjs";

const PAGE = 65536;

function exportMemory(session, { instance, name }, id) {
  const memory = session.object(instance, Instance).exports[name];
  if (!(memory instanceof WebAssembly.Memory)) throw refused(new TypeError(`exports.${name} is not a memory`), "host");
  session.keep(id, new Memory(memory));
}

function callerMemory() {
  throw unsupported("the JavaScript API does not tell a host function which instance calls it");
}

function createMemory(session, { min, max, shared, index, page_size: pageSize }, id) {
  if ((pageSize ?? PAGE) !== PAGE) throw unsupported("a memory's descriptor says no page size");
  const [initial, maximum] = [session.integer(min), max == null ? null : session.integer(max)];
  const descriptor = index === "i64" ? descriptor64(initial, maximum) : descriptor32(initial, maximum);
  if (shared) descriptor.shared = true;
  let memory;
  try {
    memory = new WebAssembly.Memory(descriptor);
  } catch (error) {
    throw refused(error, "host");
  }
  session.keep(id, new Memory(memory));
}

function descriptor32(min, max) {
  return max === null ? { initial: Number(min) } : { initial: Number(min), maximum: Number(max) };
}

/** JavaScript counts a memory in bytes only. */
function memorySize(session, { memory, page_size: pageSize }) {
  return { pages: session.object(memory, Memory).memory.buffer.byteLength / (pageSize ?? PAGE) };
}

function growMemory(session, { memory: memoryId, delta }) {
  const { memory } = session.object(memoryId, Memory);
  const integer = session.integer(delta);
  const pages = isMemory64(memory) ? pages64(integer) : Number(integer);
  try {
    return { pages: writeInteger(memory.grow(pages)) };
  } catch (error) {
    throw refused(error, "host");
  }
}

function readMemory(session, { memory: memoryId, at, type, count, view: name }) {
  const { memory } = session.object(memoryId, Memory);
  const kind = kindFor(name, type);
  const index = indexOf(kind, session.integer(at));
  const units = type === "bytes" ? indexOf(kind, session.integer(count)) : 0;
  try {
    return read(session, kind, kind.open(memory.buffer), index, type, units);
  } catch (error) {
    throw refused(error, "host");
  }
}

function writeMemory(session, { memory: memoryId, at, type, value, view: name }) {
  const { memory } = session.object(memoryId, Memory);
  const kind = kindFor(name, type);
  const index = indexOf(kind, session.integer(at));
  const data = writable(session, type, value);
  try {
    write(kind, kind.open(memory.buffer), index, type, data);
  } catch (error) {
    throw refused(error, "host");
  }
}

function kindFor(name, type) {
  const kind = kindNamed(name ?? DEFAULTS[type] ?? "Uint8Array");
  checkType(kind, type);
  return kind;
}

// ----------------------------------------------------------------- views

function openView(session, { memory: memoryId, view: viewId, kind: name, offset, length }, id) {
  if (viewId !== undefined) return openPart(session, viewId, offset, length, id);
  const { memory } = session.object(memoryId, Memory);
  const kind = kindNamed(name ?? DEFAULTS.u8);
  const start = offset == null ? undefined : Number(session.integer(offset));
  const units = length == null ? undefined : indexOf(kind, session.integer(length));
  let view;
  try {
    view = kind.open(memory.buffer, start, units);
  } catch (error) {
    throw refused(error, "host");
  }
  session.keep(id, new View(kind, view));
  return undefined;
}

function openPart(session, viewId, offset, length, id) {
  const { kind, view } = session.object(viewId, View);
  if (kind.part === undefined) throw unsupported(`a ${kind.kind} has no subarray`);
  const start = offset == null ? 0 : indexOf(kind, session.integer(offset));
  const end = length == null ? undefined : start + indexOf(kind, session.integer(length));
  let part;
  try {
    part = kind.part(view, start, end);
  } catch (error) {
    throw refused(error, "host");
  }
  session.keep(id, new View(kind, part));
}

function viewLength(session, { view: viewId }) {
  const { kind, view } = session.object(viewId, View);
  try {
    return { length: kind.length(view) };
  } catch (error) {
    throw refused(error, "host");
  }
}

function readView(session, { view: viewId, at, type, count }) {
  const { kind, view } = session.object(viewId, View);
  checkType(kind, type);
  const index = indexOf(kind, session.integer(at));
  const units = type === "bytes" ? indexOf(kind, session.integer(count)) : 0;
  try {
    return read(session, kind, view, index, type, units);
  } catch (error) {
    throw refused(error, "host");
  }
}

function writeView(session, { view: viewId, at, type, value }) {
  const { kind, view } = session.object(viewId, View);
  checkType(kind, type);
  const index = indexOf(kind, session.integer(at));
  const data = writable(session, type, value);
  try {
    write(kind, view, index, type, data);
  } catch (error) {
    throw refused(error, "host");
  }
}

function read(session, kind, view, index, type, units) {
  if (type === "bytes") return { bytes: session.host.encodeBase64(kind.readBytes(view, index, units)) };
  const value = kind.read(view, index, type);
  return value === undefined ? { nothing: "undefined" } : { value: typed(type, value) };
}

function write(kind, view, index, type, data) {
  if (type === "bytes") kind.writeBytes(view, index, data);
  else kind.write(view, index, type, data);
}

function writable(session, type, value) {
  if (value == null) throw badParams("no value to write");
  if (value.host !== undefined) return hostValue(value);
  return type === "bytes" ? decode(session, value.bytes) : toMemory(type, session.integer(value.value));
}

export const MEMORY_METHODS = [
  ["memory.export", exportMemory],
  ["memory.caller", callerMemory],
  ["memory.create", createMemory],
  ["memory.size", memorySize],
  ["memory.grow", growMemory],
  ["memory.read", readMemory],
  ["memory.write", writeMemory],
  ["view.open", openView],
  ["view.length", viewLength],
  ["view.read", readView],
  ["view.write", writeView],
];
