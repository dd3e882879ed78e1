/**
 * CRC-32C (Castagnoli), the checksum of record batches: the largest user-space cost of a produce.
 *
 * Three implementations are tried at start, fastest first, and each must compute the check value of "123456789" before
 * it is trusted: Intel ISA-L through koffi (when the system has libisal2), @node-rs/crc32, and a table in JavaScript.
 */
import { createRequire } from 'node:module';

export interface Crc32c {
  readonly name: 'isa-l' | 'node-rs' | 'javascript';
  /** Unsigned checksum of `buffer[start, end)`. */
  readonly compute: (buffer: Buffer, start: number, end: number) => number;
}

const CHECK_INPUT = Buffer.from('123456789');
const CHECK_VALUE = 0xe3069283;
const ISA_L_LIBRARIES = ['libisal.so.2', 'libisal.2.dylib', 'libisal.so'];

const require = createRequire(import.meta.url);

function isaL(): Crc32c {
  const koffi = require('koffi');
  let library: { func(declaration: string): (data: Buffer, length: number, seed: number) => number } | undefined;
  for (const name of ISA_L_LIBRARIES) {
    try {
      library = koffi.load(name);
      break;
    } catch {
      // Not installed under this name; the next one may be.
    }
  }
  if (library === undefined) throw new Error('ISA-L is not installed');
  const update = library.func('unsigned int crc32_iscsi(const uint8_t *data, int length, unsigned int seed)');
  return {
    name: 'isa-l',
    compute: (buffer, start, end) =>
      start === end ? 0 : ~update(buffer.subarray(start, end), end - start, 0xffffffff) >>> 0,
  };
}

function nodeRs(): Crc32c {
  const { crc32c: compute } = require('@node-rs/crc32') as { crc32c: (data: Buffer) => number };
  return { name: 'node-rs', compute: (buffer, start, end) => compute(buffer.subarray(start, end)) };
}

export function javascriptCrc32c(): Crc32c {
  const table = new Uint32Array(256);
  for (let i = 0; i < 256; i++) {
    let crc = i;
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0x82f63b78 : crc >>> 1;
    table[i] = crc;
  }
  return {
    name: 'javascript',
    compute: (buffer, start, end) => {
      let crc = 0xffffffff;
      for (let i = start; i < end; i++) {
        crc = (table[(crc ^ (buffer[i] as number)) & 0xff] as number) ^ (crc >>> 8);
      }
      return ~crc >>> 0;
    },
  };
}

function choose(): Crc32c {
  for (const make of [isaL, nodeRs]) {
    try {
      const candidate = make();
      if (candidate.compute(CHECK_INPUT, 0, CHECK_INPUT.length) === CHECK_VALUE) return candidate;
    } catch {
      // An optional library that does not load leaves the choice to the next one.
    }
  }
  return javascriptCrc32c();
}

export const chosenCrc32c: Crc32c = choose();
export const crc32c: Crc32c['compute'] = chosenCrc32c.compute;
