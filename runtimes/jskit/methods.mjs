// The protocol's methods on the WebAssembly JavaScript Interface. Only the line that uses the API stands in a `try`: an
// error anywhere else is the driver's own.

import { badParams, exited, refused, unsupported } from "./errors.mjs";
import { KINDS as GLUE_KINDS, checkStarted } from "./glue.mjs";
import { isMemory64 } from "./memory64.mjs";
import { mapped, parseInteger, toMemory, toWasm, typed, writeInteger } from "./values.mjs";
import { DEFAULTS, KINDS, checkType, indexOf, kindNamed } from "./views.mjs";

const PROTOCOL = 1;
const PAGE = 65536;

class Instance {
  constructor(instance, program = null) {
    this.exports = instance.exports;
    this.program = program; // set where glue started it
  }
}

class Memory {
  constructor(memory) {
    this.memory = memory;
  }
}

class View {
  constructor(kind, view) {
    this.kind = kind;
    this.view = view;
  }
}

function initialize(session, { protocol, variant }) {
  if (protocol !== PROTOCOL) throw badParams(`this driver speaks protocol ${PROTOCOL}, not ${protocol}`);
  const { runtime, language } = session.host;
  if (variant != null) throw unsupported(`${runtime.name} has no variant '${variant}'`);
  const views = KINDS.map(({ kind, unit, types }) => ({ kind, unit, types }));
  return { protocol: PROTOCOL, runtime, host: language, views, default_views: DEFAULTS, glue: GLUE_KINDS };
}

function compile(session, { bytes }, id) {
  const code = decode(session, bytes);
  try {
    session.modules.set(id, new WebAssembly.Module(code));
  } catch (error) {
    throw refused(error, "compile");
  }
}

// ------------------------------------------------------------ instances

function instantiate(session, { module: moduleId, imports, glue }, id) {
  const module = session.module(moduleId);
  const listed = importObject(session, imports ?? []);
  if (glue != null) return instantiateWithGlue(session, glue, module, listed, id);
  let instance;
  try {
    instance = new WebAssembly.Instance(module, listed);
  } catch (error) {
    throw refused(error, "instantiate");
  }
  session.keep(id, new Instance(instance));
  return undefined;
}

// `run` is an async function: what it throws at once is known one microtask later. Inside a host function there is no later;
// then only a program that has ended is noticed here, and the rest shows at the first call.
function instantiateWithGlue(session, glue, module, listed, id) {
  session.glued = true;
  const { instance, program } = session.glue.start(glue, module, listed);
  const keep = () => {
    checkStarted(program);
    session.keep(id, new Instance(instance, program));
  };
  return session.depth > 0 ? keep() : Promise.resolve().then(keep);
}

function importObject(session, imports) {
  const object = Object.create(null);
  for (const item of imports) {
    const module = (object[item.module] ??= Object.create(null));
    module[item.name] = importValue(session, item);
  }
  return object;
}

function importValue(session, item) {
  if (item.func !== undefined) return session.hostFunction(item.func, item.type);
  if (item.object !== undefined) return session.object(item.object, Memory).memory;
  if (item.instance !== undefined) return session.object(item.instance, Instance).exports[item.export];
  if (item.global !== undefined) return newGlobal(session, item.global);
  throw badParams(`import ${item.module}.${item.name} says not what it is`);
}

function newGlobal(session, { type, mutable, value }) {
  const initial = toWasm(type, session.integer(value));
  try {
    return new WebAssembly.Global({ value: type, mutable }, initial);
  } catch (error) {
    throw refused(error, "host");
  }
}

function call(session, { instance: instanceId, name, args, results }) {
  const { exports, program } = session.object(instanceId, Instance);
  const types = list(results, "results");
  const values = mapped(list(args, "args"), ({ type, value }) => toWasm(type, session.integer(value)));
  const ended = program?.ended;
  let returned;
  try {
    if (typeof exports[name] !== "function") throw new TypeError(`exports.${name} is not a function`);
    returned = exports[name](...values);
  } catch (error) {
    if (program !== null && program.ended !== ended) throw exited(program.status);
    throw refused(error, "call");
  }
  if (program !== null && program.ended !== ended) throw exited(program.status);
  if (types.length === 0) return { values: [] };
  if (types.length === 1) return { values: [typed(types[0], returned)] };
  return { values: types.map((type, i) => typed(type, returned[i])) };
}

// -------------------------------------------------------------- memories

function exportMemory(session, { instance, name }, id) {
  const memory = session.object(instance, Instance).exports[name];
  if (!(memory instanceof WebAssembly.Memory)) throw refused(new TypeError(`exports.${name} is not a memory`), "host");
  session.keep(id, new Memory(memory));
}

function createMemory(session, { min, max, shared, index }, id) {
  const pages = index === "i64" ? BigInt : Number;
  const descriptor = { initial: pages(session.integer(min)) };
  if (max != null) descriptor.maximum = pages(session.integer(max));
  if (shared) descriptor.shared = true;
  if (index === "i64") {
    descriptor.address = "i64";
    descriptor.index = "i64"; // its name before the proposal was finished
  }
  let memory;
  try {
    memory = new WebAssembly.Memory(descriptor);
  } catch (error) {
    throw refused(error, "host");
  }
  session.keep(id, new Memory(memory));
}

/** JavaScript counts a memory in bytes only. */
function memorySize(session, { memory }) {
  return { pages: session.object(memory, Memory).memory.buffer.byteLength / PAGE };
}

function growMemory(session, { memory: memoryId, delta }) {
  const { memory } = session.object(memoryId, Memory);
  const integer = session.integer(delta);
  const pages = isMemory64(memory) ? BigInt(integer) : Number(integer);
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

function openView(session, { memory: memoryId, kind: name, offset, length }, id) {
  const { memory } = session.object(memoryId, Memory);
  const kind = kindNamed(name ?? DEFAULTS.u8);
  const start = offset == null ? undefined : Number(session.integer(offset));
  const units = length == null ? undefined : Number(session.integer(length));
  let view;
  try {
    view = kind.open(memory.buffer, start, units);
  } catch (error) {
    throw refused(error, "host");
  }
  session.keep(id, new View(kind, view));
}

function viewLength(session, { view: viewId }) {
  const { kind, view } = session.object(viewId, View);
  try {
    return { length: kind.length(view) };
  } catch (error) {
    throw refused(error, "host");
  }
}

function readView(session, { view: viewId, index, type, count }) {
  const { kind, view } = session.object(viewId, View);
  checkType(kind, type);
  const at = Number(session.integer(index));
  const units = type === "bytes" ? Number(session.integer(count)) : 0;
  try {
    return read(session, kind, view, at, type, units);
  } catch (error) {
    throw refused(error, "host");
  }
}

function writeView(session, { view: viewId, index, type, value }) {
  const { kind, view } = session.object(viewId, View);
  checkType(kind, type);
  const at = Number(session.integer(index));
  const data = writable(session, type, value);
  try {
    write(kind, view, at, type, data);
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
  return type === "bytes" ? decode(session, value.bytes) : toMemory(type, session.integer(value.value));
}

function decode(session, base64) {
  if (typeof base64 !== "string") throw badParams("'bytes' is not a text");
  return session.host.decodeBase64(base64);
}

function list(value, name) {
  if (!Array.isArray(value)) throw badParams(`'${name}' is not a list`);
  return value;
}

// ------------------------------------------------------------------ life

function release(session, { objects, all }) {
  if (all) session.releaseAll();
  else for (const id of list(objects, "objects")) session.release(parseInteger(id));
}

/** The method answers for itself: nothing runs after `exit`. */
function shutdown(session, params, id) {
  session.host.send(`{"jsonrpc":"2.0","id":${id},"result":{}}`);
  session.host.exit();
}

export const METHODS = new Map([
  ["initialize", initialize],
  ["module.compile", compile],
  ["instance.create", instantiate],
  ["function.call", call],
  ["memory.export", exportMemory],
  ["memory.create", createMemory],
  ["memory.size", memorySize],
  ["memory.grow", growMemory],
  ["memory.read", readMemory],
  ["memory.write", writeMemory],
  ["view.open", openView],
  ["view.length", viewLength],
  ["view.read", readView],
  ["view.write", writeView],
  ["object.release", release],
  ["shutdown", shutdown],
]);
