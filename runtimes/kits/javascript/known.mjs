// What requests have made, and what came of them, by the requests' ids. A session has this, and so has each agent.

import { badParams, skipped } from "./errors.mjs";
import { add, parseInteger, unsigned } from "./values.mjs";

export class Known {
  constructor(host) {
    this.host = host;
    this.objects = new Map();
    this.results = new Map();
    this.failures = new Map(); // id -> its method
  }

  keep(id, object) {
    this.objects.set(id, object);
  }

  /** The object that request `id` made, which must be of this class. */
  object(id, Class) {
    const object = this.objects.get(id);
    if (object instanceof Class) return object;
    return this.missing(id, `no ${Class.name.toLowerCase()} ${id}`);
  }

  missing(id, message) {
    throw this.failures.has(id) ? skipped(id) : badParams(message);
  }

  // ---------------------------------------------------------- references

  /** An integer parameter, which may be a reference: a Number where it is exact, else a BigInt. */
  integer(param) {
    if (typeof param === "number") return param;
    if (typeof param === "object" && param !== null && "$ref" in param) return this.#referred(param);
    return parseInteger(param);
  }

  #referred(reference) {
    const id = reference.$ref;
    const value = this.#firstValue(id, this.results.get(id));
    return "+" in reference ? add(value, parseInteger(reference["+"])) : value;
  }

  #firstValue(id, result) {
    if (result === undefined) return this.missing(id, `request ${id} has no result to refer to`);
    if (result.value !== undefined) return unsigned(result.value);
    if (result.values?.length > 0) return unsigned(result.values[0]);
    if (result.pages !== undefined) return parseInteger(result.pages);
    if (result.length !== undefined) return parseInteger(result.length);
    if (result.count !== undefined) return parseInteger(result.count);
    if (result.nothing !== undefined) throw skipped(id);
    throw badParams(`the result of request ${id} has no integer to refer to`);
  }
}
