// The view kinds: JavaScript's ways into a memory's bytes. Each does what its users write, and nothing more.

import { badParams, unsupported } from "./errors.mjs";

/** A typed array. Reads past the end give undefined, writes there are dropped: so says ECMAScript, and so we report. */
class TypedArrayKind {
  constructor(constructor, ...types) {
    this.kind = constructor.name;
    this.unit = constructor.BYTES_PER_ELEMENT;
    this.types = types;
    this.constructor_ = constructor;
  }

  open(buffer, offset, length) {
    return new this.constructor_(buffer, offset, length);
  }

  part(view, start, end) {
    return view.subarray(start, end);
  }

  length(view) {
    return view.length;
  }

  read(view, index) {
    return view[index];
  }

  write(view, index, type, value) {
    view[index] = value;
  }

  readBytes(view, index, count) {
    return view.slice(index, index + count);
  }

  writeBytes(view, index, bytes) {
    view.set(bytes, index);
  }
}

const ACCESSORS = {
  u8: "Uint8",
  s8: "Int8",
  u16: "Uint16",
  s16: "Int16",
  u32: "Uint32",
  s32: "Int32",
  u64: "BigUint64",
  s64: "BigInt64",
  f32: "Float32",
  f64: "Float64",
};

/** A DataView, always little-endian, as WebAssembly's memories are. One index counts one byte. */
class DataViewKind {
  kind = "DataView";
  unit = 1;
  types = Object.keys(ACCESSORS);
  #getters = Object.fromEntries(this.types.map((type) => [type, `get${ACCESSORS[type]}`]));
  #setters = Object.fromEntries(this.types.map((type) => [type, `set${ACCESSORS[type]}`]));

  open(buffer, offset, length) {
    return new DataView(buffer, offset, length);
  }

  length(view) {
    return view.byteLength;
  }

  read(view, index, type) {
    return view[this.#getters[type]](index, true);
  }

  write(view, index, type, value) {
    view[this.#setters[type]](index, value, true);
  }
}

export const KINDS = [
  new TypedArrayKind(Uint8Array, "u8", "bytes"),
  new TypedArrayKind(Int8Array, "s8"),
  new TypedArrayKind(Uint8ClampedArray, "u8", "bytes"),
  new TypedArrayKind(Uint16Array, "u16"),
  new TypedArrayKind(Int16Array, "s16"),
  new TypedArrayKind(Uint32Array, "u32"),
  new TypedArrayKind(Int32Array, "s32"),
  new TypedArrayKind(BigUint64Array, "u64"),
  new TypedArrayKind(BigInt64Array, "s64"),
  new TypedArrayKind(Float32Array, "f32"),
  new TypedArrayKind(Float64Array, "f64"),
  new DataViewKind(),
];

/** The kinds that users reach for first: arrays where one index is one byte, else DataView, which needs no alignment. */
export const DEFAULTS = {
  u8: "Uint8Array",
  bytes: "Uint8Array",
  s8: "Int8Array",
  u16: "DataView",
  s16: "DataView",
  u32: "DataView",
  s32: "DataView",
  u64: "DataView",
  s64: "DataView",
  f32: "DataView",
  f64: "DataView",
};

const BY_NAME = new Map(KINDS.map((kind) => [kind.kind, kind]));

/** The kind of this name. */
export function kindNamed(name) {
  const kind = BY_NAME.get(name);
  if (kind === undefined) throw unsupported(`JavaScript has no view kind '${name}'`);
  return kind;
}

/** Refuse a memory type that this kind does not have, before anything is done. */
export function checkType(kind, type) {
  if (DEFAULTS[type] === undefined) throw badParams(`no memory type '${type}'`);
  if (!kind.types.includes(type)) throw unsupported(`${kind.kind} has no ${type}`);
}

/** The index of a byte address, as `array[address / 4]` has it: a fraction between two elements. */
export function indexOf(kind, at) {
  return Number(at) / kind.unit;
}
