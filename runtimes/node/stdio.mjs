// Lines over file descriptors 0 and 1, read and written synchronously: a host function can't wait for an event.

import { Buffer } from "node:buffer";
import fs from "node:fs";

const SMALL = 64 * 1024; // a pipe's capacity on Linux: one read takes all that is there
const RETRY_MS = 1;
const UTF8_BYTES = 3; // at most, for one UTF-16 unit

const never = new Int32Array(new SharedArrayBuffer(4));
const short = Buffer.allocUnsafe(4096);

/** Reads lines from a file descriptor. */
export class LineReader {
  #fd;
  #buffer = Buffer.allocUnsafe(SMALL);
  #start = 0; // of what has not been given out
  #end = 0; // of what was read

  constructor(fd) {
    this.#fd = fd;
  }

  /** The next line without its end, or null when input has ended. Blocks. */
  next() {
    let scanned = this.#start;
    for (;;) {
      const found = this.#buffer.subarray(scanned, this.#end).indexOf(10);
      if (found >= 0) return this.#take(scanned + found);
      const pending = this.#end - this.#start;
      this.#makeRoom(pending);
      scanned = this.#start + pending;
      const count = this.#read();
      if (count === 0) return null;
      this.#end += count;
    }
  }

  #take(newline) {
    const line = this.#buffer.toString("utf8", this.#start, newline);
    this.#start = newline + 1;
    return line;
  }

  /** Room for at least one more byte. What is pending moves to the start; a buffer grown for a long line is let go. */
  #makeRoom(pending) {
    let target = this.#buffer;
    if (pending === target.length) target = Buffer.allocUnsafe(2 * target.length);
    else if (target.length > SMALL && pending < SMALL) target = Buffer.allocUnsafe(SMALL);
    if (target === this.#buffer && this.#start === 0) return;
    this.#buffer.copy(target, 0, this.#start, this.#end);
    this.#buffer = target;
    this.#start = 0;
    this.#end = pending;
  }

  #read() {
    for (;;) {
      try {
        return fs.readSync(this.#fd, this.#buffer, this.#end, this.#buffer.length - this.#end, null);
      } catch (error) {
        if (error.code === "EOF") return 0; // a closed pipe on Windows
        if (error.code !== "EAGAIN") throw error;
        pause();
      }
    }
  }
}

/** Write one line, whole: a pipe may take a part, or nothing yet. */
export function writeLine(fd, text) {
  const line = `${text}\n`;
  const fits = line.length * UTF8_BYTES <= short.length; // most lines: nothing is allocated for them
  const bytes = fits ? short : Buffer.from(line, "utf8");
  const length = fits ? short.write(line, "utf8") : bytes.length;
  let written = 0;
  while (written < length) {
    try {
      written += fs.writeSync(fd, bytes, written, length - written);
    } catch (error) {
      if (error.code !== "EAGAIN") throw error;
      pause();
    }
  }
}

function pause() {
  Atomics.wait(never, 0, 0, RETRY_MS);
}
