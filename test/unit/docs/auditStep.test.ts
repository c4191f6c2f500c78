import { execFile } from 'node:child_process';
import { readFile, rename } from 'node:fs/promises';
import { promisify } from 'node:util';
import { beforeAll, expect, test } from 'vitest';
import { editLines, placesIn, writeEvents } from '../host/audit/logs.js';
import { assertRoot, withDirectory } from '../needsRoot.js';

const execute = promisify(execFile);

beforeAll(() => assertRoot('the audit log is given to the group adm'));

/** What docs/verification-steps.md has people type. */
async function typeStep(path: string): Promise<string> {
  const page = await readFile(new URL('../../../docs/verification-steps.md', import.meta.url), 'utf8');
  const step = /```sh\n# step 6\.2\n([\s\S]*?)```/.exec(page)?.[1];
  if (step === undefined) throw new Error('the page has no step 6.2');
  return (await execute('bash', ['-c', step], { env: { ...process.env, AUDIT_LOG: path } })).stdout;
}

test("the page's own check passes a log, also a rotated one, and no altered one", () =>
  withDirectory(async (directory) => {
    const { path } = placesIn(directory);
    await writeEvents(directory, 'a', 'b');
    await rename(path, `${path}.1`);
    const chain = (await writeEvents(directory, 'c')).toString('utf8').slice(-33, -1);
    expect(await typeStep(path)).toBe(`2 lines, chain intact, ends in ${chain}\n`);
    expect(await typeStep(`${path}.1`)).toContain('2 lines, chain intact');
    await editLines(path, ([one = '', two = '']) => [one, two.replace('Zoë', 'Tim')]);
    await expect(typeStep(path)).rejects.toThrow('line 2 does not follow from the lines before it');
  }));
