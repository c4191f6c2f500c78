import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { readMaintenance } from '../../../../../src/rehearsal/deployment/application/maintenance.js';

describe('readMaintenance', () => {
  let directory: string;
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'lockstep-maintenance-'));
  });
  afterEach(() => rm(directory, { recursive: true, force: true }));

  it('is off without the file', async () => expect(await readMaintenance(join(directory, 'on'))).toEqual({ on: false }));
  it('gives the file\'s text as the expected completion', async () => {
    await writeFile(join(directory, 'on'), ' 04:00 UTC \n');
    expect(await readMaintenance(join(directory, 'on'))).toEqual({ on: true, expectedCompletion: '04:00 UTC' });
  });
  it('is on when the file is there and cannot be read', async () => {
    await mkdir(join(directory, 'on'));
    expect(await readMaintenance(join(directory, 'on'))).toEqual({ on: true, expectedCompletion: null });
  });
});
