/* The arrays of the page, from its block of text: a line for each (packing.py writes them). */

const LETTERS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
  + "!#$%&()*+-;,=>?@^_`{|}~";
const VALUES = new Uint8Array(128).map((_, code) => LETTERS.indexOf(String.fromCharCode(code)));

/** The bytes of a line: five letters are the digits, in base 85, of four bytes; the last may be
 * fewer, and are filled up with the highest digit. */
export function bytesOf(line) {
  const missing = (5 - line.length % 5) % 5, text = line + "~".repeat(missing);
  const bytes = new Uint8Array(text.length / 5 * 4), view = new DataView(bytes.buffer);
  for (let i = 0; i < text.length; i += 5) {
    let value = 0;
    for (let k = 0; k < 5; k++) value = value * 85 + VALUES[text.charCodeAt(i + k)];
    view.setUint32(i / 5 * 4, value);
  }
  return bytes.subarray(0, bytes.length - missing);
}

/** The bytes of each line, without zlib's compression. */
export function unpacked(text) {
  return Promise.all(text.split("\n").filter(Boolean).map(async line => {
    const stream = new Blob([bytesOf(line)]).stream();
    const whole = stream.pipeThrough(new DecompressionStream("deflate"));
    return new Uint8Array(await new Response(whole).arrayBuffer());
  }));
}

/** The array {shape, data} that an entry of the page's JSON speaks of. */
export function arrayOf(parts, { kind, part, shape, largest, shift, scale }) {
  const bytes = parts[part], count = shape.reduce((product, n) => product * n, 1);
  if (kind === "uint8") return { shape, data: bytes };
  if (kind === "float32") {  // four planes: the first bytes, the second bytes, …
    const whole = bytes.map((_, i) => bytes[(i % 4) * count + (i >> 2)]);
    return { shape, data: new Float32Array(whole.buffer) };
  }
  const each = count / shape[0], of = arrayOf(parts, scale).data, plane = Math.ceil(count / 8);
  const data = Float32Array.from({ length: count }, (_, i) => {
    let value = bytes[i];
    for (let bit = shift - 1; bit >= 0; bit--)
      value = 2 * value + (bytes[count + bit * plane + (i >> 3)] >> (7 - i % 8) & 1);
    return (value - largest) * of[Math.floor(i / each)];
  });
  return { shape, data };
}

/** A network with its arrays in the place of their entries. */
export function networkOf(parts, layers) {
  const value = v => v !== null && typeof v === "object" && "part" in v ? arrayOf(parts, v) : v;
  return layers.map(layer =>
    Object.fromEntries(Object.entries(layer).map(([key, v]) => [key, value(v)])));
}
