import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createPipeline } from '../../../../src/host/processes/pipeline.js';
import type { Stage } from '../../../../src/host/processes/pipelineStage.js';
import { CommandFailed } from '../../../../src/host/processes/runner.js';

const run = createPipeline();
let directory: string;
let path: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'lockstep-pipeline-'));
  path = join(directory, 'out');
});
afterEach(() => rm(directory, { recursive: true }));

const script = (name: string, text: string): Stage => ({ name, file: '/bin/sh', args: ['-c', text] });
const sha256 = (data: Uint8Array | string) => createHash('sha256').update(data).digest('hex');

describe('a pipeline that succeeds', () => {
  test('publishes what the last stage gave out, with its size and digest', async () => {
    const result = await run({
      stages: [
        { ...script('source', 'seq 1 200000'), digest: true },
        { file: 'zstd', args: ['-q', '-c'] },
        { file: 'zstd', args: ['-q', '-d', '-c'] },
      ],
      output: { path, mode: 0o640 },
    });
    const content = await readFile(path);
    expect(content.toString().endsWith('\n200000\n')).toBe(true);
    expect(result).toMatchObject({ sizeBytes: content.byteLength, sha256: sha256(content) });
    expect(result.stages.map(({ sha256: digest }) => digest)).toEqual([sha256(content), undefined, sha256(content)]);
    expect(result.stages[1]?.sizeBytes).toBeLessThan(content.byteLength);
    expect((await stat(path)).mode & 0o7777).toBe(0o640);
    expect(await readdir(directory)).toEqual(['out']);
  });

  test('reads a file, tells progress, and discards', async () => {
    const input = join(directory, 'in');
    await writeFile(input, 'x'.repeat(3_000_000));
    const seen: number[] = [];
    const result = await run({
      stages: [{ file: 'cat', args: [] }, { file: 'wc', args: ['-c'] }],
      input: { path: input },
      output: 'discard',
      onProgress: ({ inputBytes }) => seen.push(inputBytes),
    });
    expect(result.input).toEqual({ sizeBytes: 3_000_000, sha256: sha256('x'.repeat(3_000_000)) });
    expect(result.sha256).toBe(sha256('3000000\n'));
    expect(seen.at(-1)).toBe(3_000_000);
    expect(seen.length).toBeGreaterThan(2);
  });

  test('hands a secret to a descriptor, where neither arguments nor environment show it', async () => {
    const result = await run({
      stages: [{ ...script('reader', 'cat <&3; tr "\\0" "\\n" </proc/$$/environ | grep -c canary; grep -c canary /proc/$$/cmdline | true'), secretDescriptors: ['canary'] }],
      output: 'discard',
    });
    // `canary` from the descriptor, 0 lines of the environment, and no more.
    expect(result.sha256).toBe(sha256('canary0\n'));
  });
});

describe('a pipeline that fails', () => {
  test.each([
    ['the first stage', [script('dump', 'echo half; exit 3'), script('zip', 'cat'), script('seal', 'cat')], 'dump exited with status 3'],
    ['a middle stage, whose predecessor gets a broken pipe', [script('dump', 'yes'), script('zip', 'head -c 100000; exit 4'), script('seal', 'cat')], 'zip exited with status 4'],
    ['the last stage', [script('dump', 'yes'), script('seal', 'sleep 0.1; exit 5')], 'seal exited with status 5'],
    ['a signal', [script('dump', 'echo a; kill -9 $$'), script('seal', 'cat')], 'dump was killed by SIGKILL'],
    ['a stage that stops reading', [script('dump', 'yes'), script('peek', 'head -c 1')], 'peek ended before it had read all of its input'],
    ['a missing program', [script('dump', 'yes'), { file: 'no-such-program', args: [] }], 'no-such-program is not installed on this host'],
  ])('names what failed first: %s', async (_, stages, message) => {
    await expect(run({ stages, output: { path } })).rejects.toThrow(message);
    expect(await readdir(directory)).toEqual([]);
  });

  test('keeps what the stage said for the host tool, and out of the message', async () => {
    const failure = await run({ stages: [script('dump', 'echo canary >&2; exit 1')], output: 'discard' }).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(CommandFailed);
    expect((failure as CommandFailed).stderr).toBe('canary\n');
    expect((failure as CommandFailed).message).not.toContain('canary');
  });

  test('never tells a consumer that its input is whole', async () => {
    const consumed = join(directory, 'committed');
    const consumer: Stage = { name: 'psql', file: '/bin/sh', args: ['-c', 'cat >/dev/null; touch "$0"', consumed] };
    await expect(run({ stages: [script('decrypt', 'echo half; sleep 0.2; exit 2'), consumer], output: 'discard' })).rejects.toThrow('decrypt exited with status 2');
    expect(existsSync(consumed)).toBe(false);
  });

  test('gives a consumer its last bytes only when everything before it succeeded', async () => {
    const consumer = { ...script('psql', 'cat'), finalInput: 'COMMIT' };
    await run({ stages: [script('decrypt', 'printf "INSERT;"'), consumer], output: { path } });
    expect(await readFile(path, 'utf8')).toBe('INSERT;COMMIT');
    const seen = join(directory, 'seen');
    const keeper: Stage = { ...consumer, file: '/usr/bin/tee', args: [seen] };
    await expect(run({ stages: [script('decrypt', `printf "INSERT;"; until test -s '${seen}'; do sleep 0.02; done; exit 2`), keeper], output: 'discard' })).rejects.toThrow('decrypt exited');
    expect(await readFile(seen, 'utf8')).toBe('INSERT;');
  });

  test('ends all stages when it is cancelled, a grandchild that holds the output included', async () => {
    const abort = new AbortController();
    const running = run({ stages: [script('dump', 'sleep 3 & wait'), script('seal', 'cat')], output: { path }, signal: abort.signal });
    setTimeout(() => { abort.abort(); }, 200);
    await expect(running).rejects.toThrow('dump | seal was cancelled');
    expect(await readdir(directory)).toEqual([]);
  });

  test('starts nothing when it is cancelled before', async () => {
    const begun = join(directory, 'begun');
    const attempt = run({ stages: [{ file: 'touch', args: [begun] }], output: 'discard', signal: AbortSignal.abort() });
    await expect(attempt).rejects.toThrow('was cancelled');
    expect(existsSync(begun)).toBe(false);
  });

  test('reports a missing input file', async () => {
    const attempt = run({ stages: [script('cat', 'cat')], input: { path: join(directory, 'none') }, output: 'discard' });
    await expect(attempt).rejects.toThrow('ENOENT');
  });

  test('does not replace a file unless told to', async () => {
    await writeFile(path, 'precious');
    const stages = [script('new', 'printf new')];
    await expect(run({ stages, output: { path } })).rejects.toThrow('exists already');
    expect(await readFile(path, 'utf8')).toBe('precious');
    await run({ stages, output: { path, replace: true } });
    expect(await readFile(path, 'utf8')).toBe('new');
  });

  test('publishes nothing whichever stage fails, however and whenever', { timeout: 60_000 }, async () => {
    const failure = fc.record({
      stageIndex: fc.nat(2),
      delaySeconds: fc.constantFrom(0, 0.01, 0.05),
      passesBytes: fc.constantFrom(0, 1, 65_536, 300_000),
      end: fc.constantFrom('exit 1', 'kill -9 $$', 'kill -15 $$'),
      replacing: fc.boolean(),
    });
    await fc.assert(
      fc.asyncProperty(failure, async ({ stageIndex, delaySeconds, passesBytes, end, replacing }) => {
        if (replacing) await writeFile(path, 'old');
        const stages = [0, 1, 2].map((index) => {
          const passes = index === 0 ? 'head -c 200000 /dev/zero' : 'cat';
          const fails = `head -c ${passesBytes} ${index === 0 ? '/dev/zero' : ''}; sleep ${delaySeconds}; ${end}`;
          return script(`stage-${index}`, index === stageIndex ? fails : passes);
        });
        await expect(run({ stages, output: { path, replace: true } })).rejects.toThrow(`stage-${stageIndex} `);
        expect(await readdir(directory)).toEqual(replacing ? ['out'] : []);
        if (replacing) expect(await readFile(path, 'utf8')).toBe('old');
        await rm(path, { force: true });
      }),
      { numRuns: 40 },
    );
  });
});

test('every stage lives in the control group', async () => {
  await writeFile(join(directory, 'cgroup.procs'), '');
  await createPipeline({ controlGroup: directory })({ stages: [script('a', 'echo $$'), script('b', 'cat')], output: { path } });
  expect(await readFile(join(directory, 'cgroup.procs'), 'utf8')).toContain('0');
  expect(await readFile(path, 'utf8')).toMatch(/^\d+\n$/);
});
