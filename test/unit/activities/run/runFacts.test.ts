import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { keepFact, needFact, readFact } from '../../../../src/activities/run/runFacts.js';
import { PermanentFailure } from '../../../../src/contract/errors.js';
import { withDirectory } from '../../needsRoot.js';

test('a fact that was kept is read again, the latest', () =>
  withDirectory(async (directory) => {
    expect(await readFact({ directory }, 'volume')).toBeUndefined();
    await keepFact({ directory }, 'volume', { sizeBytes: 1 });
    await keepFact({ directory }, 'volume', { sizeBytes: 2 });
    expect(await readFact({ directory }, 'volume')).toEqual({ sizeBytes: 2 });
    expect(await needFact({ directory }, 'volume')).toEqual({ sizeBytes: 2 });
    expect((await stat(join(directory, 'volume.json'))).mode & 0o777).toBe(0o600);
    expect(await readFile(join(directory, 'volume.json'), 'utf8')).toBe('{\n  "sizeBytes": 2\n}\n');
  }));

test('a fact that is needed and missing says which, and what to do', () =>
  withDirectory(async (directory) => {
    const failure = await needFact({ directory }, 'volume').catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(PermanentFailure);
    expect(failure).toMatchObject({ message: expect.stringContaining(join(directory, 'volume.json')) as string });
  }));
