/**
 * kcat, and through it librdkafka: produce and consume with every codec and acks level, keys, headers, nulls, groups.
 */
import { mustRun, run } from '../support/command.ts';
import { ensure, equal, type Tally } from '../support/tally.ts';
import type { Target } from './target.ts';

const CODECS = ['none', 'gzip', 'snappy', 'lz4', 'zstd'];
const ACKS = ['0', '1', 'all'];

export async function kcatSuite(tally: Tally, target: Target): Promise<void> {
  const { bootstrap } = target;
  const numbers = Array.from({ length: 1000 }, (_, index) => String(index + 1));

  await tally.check('kcat: metadata lists the brokers', async () => {
    const { stdout } = await mustRun('kcat', ['-b', bootstrap, '-L', '-J']);
    const { brokers } = JSON.parse(stdout.toString()) as { brokers: { name: string }[] };
    equal(brokers.length, target.brokers, 'brokers');
  });

  for (const codec of CODECS) {
    for (const acks of ACKS) {
      await tally.check(`kcat: 1,000 records, ${codec}, acks=${acks}`, async () => {
        const topic = `kcat-${codec}-${acks}`;
        await mustRun('kcat', ['-b', bootstrap, '-P', '-t', topic, '-z', codec, '-X', `acks=${acks}`], {
          input: `${numbers.join('\n')}\n`,
        });
        const { stdout } = await mustRun('kcat', ['-b', bootstrap, '-C', '-t', topic, '-o', 'beginning', '-e', '-q']);
        equal(stdout.toString().trim().split('\n'), numbers, 'records in order');
      });
    }
  }

  await tally.check('kcat: idempotent producer', async () => {
    await mustRun('kcat', ['-b', bootstrap, '-P', '-t', 'kcat-idem', '-X', 'enable.idempotence=true'], {
      input: `${numbers.join('\n')}\n`,
    });
    const { stdout } = await mustRun('kcat', ['-b', bootstrap, '-C', '-t', 'kcat-idem', '-o', 'beginning', '-e', '-q']);
    equal(stdout.toString().trim().split('\n').length, 1000, 'records');
  });

  await tally.check('kcat: keys, headers, null values and timestamps come back', async () => {
    await mustRun(
      'kcat',
      ['-b', bootstrap, '-P', '-t', 'kcat-parts', '-K', ':', '-Z', '-H', 'color=blue', '-H', 'n=1'],
      {
        input: 'a:one\nb:\nc:three\n',
      },
    );
    const { stdout } = await mustRun('kcat', ['-b', bootstrap, '-C', '-t', 'kcat-parts', '-e', '-q', '-J']);
    const records = stdout
      .toString()
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as { key: string; payload: string | null; headers: string[]; ts: number });
    equal(
      records.map(({ key, payload }) => [key, payload]),
      [
        ['a', 'one'],
        ['b', null],
        ['c', 'three'],
      ],
      'records',
    );
    equal(records[0]?.headers, ['color', 'blue', 'n', '1'], 'headers');
    ensure((records[0]?.ts ?? 0) > 1_600_000_000_000, 'the timestamp is set');
  });

  await tally.check('kcat: records of 1 byte to 1 MB', async () => {
    for (const size of [1, 100, 10_000, 999_000]) {
      const topic = `kcat-size-${size}`;
      await mustRun('kcat', ['-b', bootstrap, '-P', '-t', topic, '-X', 'message.max.bytes=2000000'], {
        input: 'x'.repeat(size),
      });
      const { stdout } = await mustRun('kcat', ['-b', bootstrap, '-C', '-t', topic, '-e', '-q', '-D', '']);
      equal(stdout.length, size, 'size');
    }
  });

  await tally.check('kcat: a record above max.message.bytes is refused', async () => {
    const { stderr } = await run(
      'kcat',
      ['-b', bootstrap, '-P', '-t', 'kcat-large', '-X', 'message.max.bytes=5000000'],
      { input: 'x'.repeat(3_000_000) },
    );
    ensure(/too large/i.test(stderr), `kcat says why: ${stderr}`);
  });

  await tally.check('kcat: offsets by timestamp', async () => {
    const { stdout } = await mustRun('kcat', ['-b', bootstrap, '-Q', '-t', 'kcat-none-1:0:-1']);
    ensure(/offset 1000/.test(stdout.toString()), stdout.toString());
  });

  await tally.check('kcat: a group of two shares a topic and resumes where it stopped', async () => {
    const consume = (): Promise<{ stdout: Buffer }> =>
      mustRun('kcat', [
        '-b',
        bootstrap,
        '-G',
        'kcat-group',
        '-X',
        'auto.offset.reset=earliest',
        '-e',
        '-q',
        'kcat-gzip-all',
      ]);
    const [first, second] = await Promise.all([consume(), consume()]);
    const lines = [first, second].flatMap(({ stdout }) => stdout.toString().trim().split('\n').filter(Boolean));
    equal([...new Set(lines)].length, 1000, 'distinct records');
    const again = await consume();
    equal(again.stdout.toString(), '', 'nothing is left');
  });
}
