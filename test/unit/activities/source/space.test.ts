import { join } from 'node:path';
import { expect, test } from 'vitest';
import { spaceActivities, volumeSizeBytes } from '../../../../src/activities/source/space.js';
import { configSchema } from '../../../../src/config/schema.js';
import { withDirectory } from '../../needsRoot.js';
import { createAttempt } from '../attempt.js';

const gibibyte = 1024 ** 3;

/** Everything lies on the filesystem of one directory. */
function checkSpace(directory: string, { availableBytes, memoryBytes = 64 * gibibyte }: { readonly availableBytes: number; readonly memoryBytes?: number }, databaseBytes = gibibyte) {
  const attempt = createAttempt({
    directory,
    config: { stateDirectory: join(directory, 'state'), volume: { file: join(directory, 'volume.img') }, backup: { directory: join(directory, 'not', 'made', 'yet') } },
    tools: {
      system: { readMemory: () => Promise.resolve({ availableBytes: memoryBytes }) },
      filesystem: { readSpace: () => Promise.resolve({ availableBytes }) },
    },
  });
  return spaceActivities.assertSpace.perform(attempt, { databaseBytes });
}

test('what shares a filesystem is counted together, and is never less than the plan asks for', () =>
  withDirectory(async (directory) => {
    const { rooms } = await checkSpace(directory, { availableBytes: 10 * gibibyte });
    expect(rooms).toHaveLength(1);
    expect(rooms[0]?.neededBytes).toBe(volumeSizeBytes(configSchema.parse({ host: 'h1' }).volume, gibibyte) + gibibyte);
    expect((await checkSpace(directory, { availableBytes: 10 * gibibyte }, 4 * gibibyte)).rooms[0]?.neededBytes).toBeGreaterThanOrEqual(8 * gibibyte);
  }));

test('a test restore that does not fit into memory needs its room on disk', () =>
  withDirectory(async (directory) => {
    const availableBytes = 3 * gibibyte;
    await expect(checkSpace(directory, { availableBytes })).resolves.toBeDefined();
    await expect(checkSpace(directory, { availableBytes, memoryBytes: gibibyte })).rejects.toThrow(/3\.00 GiB free; .* are needed \(the volume .*, the backups .*, the test restore 2\.13 GiB;.*free space there/);
  }));
