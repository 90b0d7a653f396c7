// Math.random out of the seed of the call: equal seeds give equal answers. xoshiro128** by
// David Blackman and Sebastiano Vigna, started by splitmix32.
export function seed(value) {
  let mixed = Number(BigInt.asUintN(32, BigInt(value) ^ (BigInt(value) >> 32n)));
  const split = () => {
    mixed = (mixed + 0x9e3779b9) | 0;
    let z = Math.imul(mixed ^ (mixed >>> 16), 0x21f0aaad);
    z = Math.imul(z ^ (z >>> 15), 0x735a2d97);
    return (z ^ (z >>> 15)) >>> 0;
  };
  const s = [split(), split(), split(), split()];
  const rotated = (x, by) => (x << by) | (x >>> (32 - by));
  const next = () => {
    const result = Math.imul(rotated(Math.imul(s[1], 5), 7), 9) >>> 0;
    const t = s[1] << 9;
    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= t;
    s[3] = rotated(s[3], 11);
    return result;
  };
  Math.random = () => ((next() >>> 5) * 67108864 + (next() >>> 6)) / 9007199254740992;
}
