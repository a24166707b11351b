// Base64, by Node.js's buffers.

import { Buffer } from "node:buffer";

export function decodeBase64(text) {
  return Buffer.from(text, "base64");
}

export function encodeBase64({ buffer, byteOffset, byteLength }) {
  return Buffer.from(buffer, byteOffset, byteLength).toString("base64");
}
