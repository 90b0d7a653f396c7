// What a module expects to find and QuickJS lacks: text to bytes and back, as UTF-8.
class TextEncoder {
  encode(text = "") {
    const bytes = [];
    for (const character of String(text).toWellFormed()) {
      const code = character.codePointAt(0);
      if (code < 0x80) bytes.push(code);
      else if (code < 0x800) bytes.push(0xc0 | (code >> 6), 0x80 | (code & 63));
      else if (code < 0x10000) bytes.push(0xe0 | (code >> 12), 0x80 | ((code >> 6) & 63), 0x80 | (code & 63));
      else bytes.push(0xf0 | (code >> 18), 0x80 | ((code >> 12) & 63), 0x80 | ((code >> 6) & 63), 0x80 | (code & 63));
    }
    return new Uint8Array(bytes);
  }
}

// Lengths, lowest first continuation and highest first continuation by the first byte (Unicode
// 16, table 3-7).
function sequence(first) {
  if (first >= 0xc2 && first <= 0xdf) return [1, 0x80, 0xbf];
  if (first === 0xe0) return [2, 0xa0, 0xbf];
  if (first === 0xed) return [2, 0x80, 0x9f];
  if (first >= 0xe1 && first <= 0xef) return [2, 0x80, 0xbf];
  if (first === 0xf0) return [3, 0x90, 0xbf];
  if (first >= 0xf1 && first <= 0xf3) return [3, 0x80, 0xbf];
  if (first === 0xf4) return [3, 0x80, 0x8f];
  return [0, 0, 0];
}

class TextDecoder {
  #fatal;
  constructor(label = "utf-8", { fatal = false } = {}) {
    if (!/^utf-?8$/i.test(label)) throw new RangeError(`only utf-8 is known here, not ${label}`);
    this.#fatal = fatal;
  }
  decode(bytes = new Uint8Array()) {
    const codes = [];
    const parts = [];
    for (let at = 0; at < bytes.length; ) {
      const first = bytes[at++];
      let code = first;
      if (first >= 0x80) {
        let [left, low, high] = sequence(first);
        code = left === 0 ? -1 : first & (0x3f >> left);
        for (; left > 0; left -= 1, low = 0x80, high = 0xbf) {
          if (!(bytes[at] >= low && bytes[at] <= high)) {
            code = -1;
            break;
          }
          code = (code << 6) | (bytes[at++] & 63);
        }
      }
      if (code < 0 && this.#fatal) throw new TypeError("this is no UTF-8 text");
      codes.push(code < 0 ? 0xfffd : code);
      // The arguments of one call are bounded.
      if (codes.length === 4096) parts.push(String.fromCodePoint(...codes.splice(0)));
    }
    parts.push(String.fromCodePoint(...codes));
    return parts.join("").replace(/^\ufeff/, "");
  }
}

globalThis.TextEncoder ??= TextEncoder;
globalThis.TextDecoder ??= TextDecoder;
