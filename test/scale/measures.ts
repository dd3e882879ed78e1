/** What a process costs, read from Linux, and what a store's folder holds. */
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';

/** Linux counts processor time in ticks of 10 ms. */
const TICKS_PER_S = 100;

export function residentMegabytes(pid: number): number {
  return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1000;
}

/** Seconds of processor time that a process has used, its threads included. */
export function cpuSeconds(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
  return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_S;
}

export function openFiles(pid: number): number {
  return readdirSync(`/proc/${pid}/fd`).length;
}

/** The batches of a metadata log in a folder, by their offset. */
export function metadataBatches(folder: string): Map<number, number> {
  const batches = new Map<number, number>();
  for (const name of readdirSync(join(folder, 'log'))) {
    if (/^\d+$/.test(name)) batches.set(Number(name), statSync(join(folder, 'log', name)).size);
  }
  return batches;
}
