// Files of the workspace, in fewer words than the interface of the host.
import host from "leadhand:tool/files";
import { ofHost } from "./error.js";

const PIECE_BYTES = 1 << 20;

function asked(ask) {
  try {
    return ask();
  } catch (error) {
    throw ofHost(error);
  }
}

// The bytes of a file.
export function readBytes(path) {
  const pieces = [];
  let length = 0;
  for (;;) {
    const piece = asked(() => host.readRange(path, length, PIECE_BYTES));
    pieces.push(piece);
    length += piece.length;
    if (piece.length < PIECE_BYTES) break;
  }
  const bytes = new Uint8Array(length);
  let at = 0;
  for (const piece of pieces) {
    bytes.set(piece, at);
    at += piece.length;
  }
  return bytes;
}

// The text of a file.
export const read = (path) => new TextDecoder().decode(readBytes(path));

// Writes a text or bytes; the file is replaced as a whole.
export function write(path, content) {
  const bytes = typeof content === "string" ? new TextEncoder().encode(content) : content;
  asked(() => host.write(path, bytes));
}

// The entries of a folder: [{ name, kind: "file" or "folder", bytes }].
export const list = (path = ".") => asked(() => host.listFolder(path));

// Whether there is a file or folder that may be seen.
export function exists(path) {
  try {
    host.stat(path);
    return true;
  } catch {
    return false;
  }
}

export const makeFolder = (path) => asked(() => host.createFolder(path));
export const move = (from, to) => asked(() => host.rename(from, to));
export const remove = (path) => asked(() => host.remove(path));
