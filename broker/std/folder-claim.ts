/**
 * One process per data folder on one machine: a second `npm start` must not open the logs of the first.
 *
 * The claim is a file that names the process and when it started, made with link(2), which only one can win. A claim
 * whose process is gone counts for nothing, so a kill leaves no folder locked.
 */
import { linkSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { BrokerError } from './broker-error.ts';

const CLAIM_FILE = '.ottla.pid';
/** Where a stale claim is taken over, another may do the same at once; each then tries again. */
const TRIES = 5;

/** Identifies a process also after its number was given to another: number, boot, and start time where Linux tells. */
function identityOf(pid: number): string | undefined {
  try {
    const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The name in parentheses may hold anything; the start time is the twentieth field after it.
    const startTime = stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19];
    return `${pid} ${boot} ${startTime}`;
  } catch {
    try {
      process.kill(pid, 0);
      return String(pid);
    } catch {
      return undefined;
    }
  }
}

/** Throws BrokerError `data.locked` when a living process has the folder. The claim ends with this process. */
export function claimFolder(folder: string): void {
  mkdirSync(folder, { recursive: true });
  const path = join(folder, CLAIM_FILE);
  const own = identityOf(process.pid) ?? String(process.pid);
  const temporary = `${path}.${process.pid}`;
  writeFileSync(temporary, own);
  try {
    for (let attempt = 0; attempt < TRIES; attempt++) {
      try {
        linkSync(temporary, path);
        return;
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
      }
      const holder = readClaim(path);
      const pid = Number.parseInt(holder ?? '', 10);
      if (holder === own) return;
      if (holder !== undefined && pid > 0 && identityOf(pid) === holder) {
        throw new BrokerError(
          'data.locked',
          `the data folder ${folder} is in use by process ${pid}; stop it, or choose another folder with log.dirs`,
          { context: { folder, pid } },
        );
      }
      rmSync(path, { force: true });
    }
    throw new BrokerError('data.locked', `the data folder ${folder} is being claimed by other processes`);
  } finally {
    rmSync(temporary, { force: true });
  }
}

function readClaim(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}
