// Numbers between the protocol's texts and JavaScript: Number for up to 32 bits, BigInt for 64, floats by their bits.
//
// An engine may change a NaN's payload whenever a float passes through a Number (ECMAScript, NumericToRawBytes): V8 sets
// the quiet bit of an f32. What is reported are the bits of the Number that the host had.

import { badParams, unsupported } from "./errors.mjs";

const BITS = new Map(
  Object.entries({ i32: 32, i64: 64, u8: 8, s8: 8, u16: 16, s16: 16, u32: 32, s32: 32, u64: 64, s64: 64, f32: 32, f64: 64 }),
);

const DECIMAL = /^-?\d+$/;
const scratch = new DataView(new ArrayBuffer(8));

/** An integer from its decimal text: a Number where that is exact, else a BigInt. */
export function parseInteger(text) {
  if (typeof text === "number") return text;
  if (typeof text !== "string" || !DECIMAL.test(text)) throw badParams(`not an integer: ${JSON.stringify(text)}`);
  const number = Number(text);
  return Number.isSafeInteger(number) ? number : BigInt(text);
}

/** An integer as JSON has it here: a number up to 2^53 - 1, a decimal text beyond. */
export function writeInteger(integer) {
  const number = Number(integer);
  return Number.isSafeInteger(number) || typeof integer === "number" ? number : String(integer);
}

/** An argument or result as the JavaScript interface takes it. `integer` is a Number or BigInt: floats by their bits. */
export function toWasm(type, integer) {
  switch (type) {
    case "i32":
      return typeof integer === "number" ? integer | 0 : Number(BigInt.asIntN(32, integer));
    case "i64":
      return BigInt.asIntN(64, BigInt(integer));
    case "f32":
    case "f64":
      return floatOf(type, integer);
    default:
      throw unsupported(`values of type '${type}'`);
  }
}

/** A value to be written into memory, as it is, also where it is out of the type's range. */
export function toMemory(type, integer) {
  switch (type) {
    case "u64":
    case "s64":
      return BigInt(integer);
    case "f32":
    case "f64":
      return floatOf(type, integer);
    default:
      return Number(integer);
  }
}

/** A value of JavaScript's own: an integer is a BigInt, a float a Number, nothing undefined. */
export function hostValue({ host, value }) {
  switch (host) {
    case "integer":
      return BigInt(value);
    case "float":
      return floatOf("f64", value);
    case "text":
    case "boolean":
      return value;
    case "nothing":
      return undefined;
    default:
      throw unsupported(`values of the kind '${host}'`);
  }
}

/** A typed value for an answer, from what the host has. */
export function typed(type, value) {
  if (!BITS.has(type)) throw unsupported(`values of type '${type}'`);
  const wanted = type === "i64" || type === "u64" || type === "s64" ? "bigint" : "number";
  if (typeof value !== wanted) throw badParams(`the host has ${typeof value} '${String(value)}', which is no ${type}`);
  if (type === "f32") {
    scratch.setFloat32(0, value);
    return { type, value: String(scratch.getUint32(0)) };
  }
  if (type === "f64") {
    scratch.setFloat64(0, value);
    return { type, value: String(scratch.getBigUint64(0)) };
  }
  return { type, value: String(value) };
}

/** The integer that a typed value stands for when a later request refers to it: unsigned, of the value's width. */
export function unsigned({ type, value }) {
  return narrow(BigInt.asUintN(BITS.get(type), BigInt(value)));
}

/** The sum of two integers, Number or BigInt each. Nothing wraps. */
export function add(left, right) {
  return narrow(BigInt(left) + BigInt(right));
}

function narrow(integer) {
  const number = Number(integer);
  return Number.isSafeInteger(number) ? number : integer;
}

function floatOf(type, bits) {
  if (type === "f32") {
    scratch.setUint32(0, Number(bits));
    return scratch.getFloat32(0);
  }
  scratch.setBigUint64(0, BigInt(bits));
  return scratch.getFloat64(0);
}

/** `items.map(make)`, but never into an array of doubles: V8 makes a signalling NaN quiet when it puts one there. */
export function mapped(items, make) {
  const made = new Array(items.length).fill(null);
  for (let i = 0; i < items.length; i++) made[i] = make(items[i], i);
  return made;
}
