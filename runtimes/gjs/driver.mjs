// The driver of GJS, GNOME's JavaScript, which is SpiderMonkey with GLib (https://gjs-docs.gnome.org). What it lacks for
// language glue (performance, crypto) is not made up, so it runs none.

import Gio from "gi://Gio";
import GLib from "gi://GLib";
import System from "system";

import { serve } from "../kits/javascript/core.mjs";

const EX_SOFTWARE = 70; // sysexits.h: an internal error

/** GLib 2.80 moved what is Unix's own to a namespace of its own. */
async function unix() {
  try {
    return (await import("gi://GioUnix")).default.InputStream;
  } catch {
    return Gio.UnixInputStream;
  }
}

/** GJS tells its own version; SpiderMonkey's stands in the name of the library that is loaded. */
function engine() {
  try {
    const [, maps] = GLib.file_get_contents("/proc/self/maps");
    const found = /libmozjs-\d+\.so\.([\d.]+)/.exec(new TextDecoder().decode(maps));
    return found === null ? "SpiderMonkey" : `SpiderMonkey ${found[1]}`;
  } catch {
    return "SpiderMonkey";
  }
}

const UnixInputStream = await unix();
const input = Gio.DataInputStream.new(new UnixInputStream({ fd: 0, close_fd: false }));
const release = System.version; // 17402 for 1.74.2
const version = [Math.floor(release / 10000), Math.floor(release / 100) % 100, release % 100].join(".");

const host = {
  runtime: { name: "gjs", version, engine: engine() },
  language: { language: "JavaScript", version, implementation: "GJS" },

  receive() {
    const [line] = input.read_line_utf8(null);
    if (line === null) System.exit(0);
    return line;
  },
  send(line) {
    print(line); // flushed
  },
  exit() {
    System.exit(0);
  },
  die(error) {
    this.log(`the driver is at fault: ${error?.stack ?? error}`);
    System.exit(EX_SOFTWARE);
  },
  log(text) {
    printerr(text);
  },
  turn() {
    return new Promise((resolve) => setTimeout(resolve, 0));
  },
  decodeBase64(text) {
    return GLib.base64_decode(text);
  },
  encodeBase64(bytes) {
    return GLib.base64_encode(new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength));
  },
  collect() {
    System.gc();
  },
};

await serve(host);
