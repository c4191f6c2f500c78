import { utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { createDockerEvents } from '../../../../src/host/docker/dockerEvents.js';
import { createFakeRun } from '../../fakeRun.js';
import { withDirectory } from '../../needsRoot.js';

const args = [
  ...['events', '--since', '2031-02-03T04:05:04.741Z', '--until', '2031-02-03T04:06:00.000Z'],
  ...['--filter', 'container=c1', '--filter', 'event=die', '--filter', 'event=stop', '--format', '{{.Action}}'],
];
const readEnd = (answer: string) =>
  createDockerEvents({ run: createFakeRun([{ file: 'docker', args, answer }]) }).readEnd({ container: 'c1', finishedAt: '2031-02-03T04:05:06.741776964Z', now: new Date('2031-02-03T04:06:00Z') });

test('what Docker remembers of an end tells a stop from a kill, and from what it has forgotten', async () => {
  expect(await readEnd('die\nstop\n')).toEqual({ isRemembered: true, wasStopped: true });
  expect(await readEnd('die\n')).toEqual({ isRemembered: true, wasStopped: false });
  expect(await readEnd('')).toEqual({ isRemembered: false, wasStopped: false });
});

test('its daemon was started when it wrote its process id', () =>
  withDirectory(async (directory) => {
    const pidFile = join(directory, 'docker.pid');
    const docker = createDockerEvents({ run: createFakeRun([]), pidFile });
    expect(await docker.readDaemonStart()).toBeUndefined();
    await writeFile(pidFile, '1');
    await utimes(pidFile, new Date('2031-02-03T04:00:00Z'), new Date('2031-02-03T04:00:00Z'));
    expect(await docker.readDaemonStart()).toEqual(new Date('2031-02-03T04:00:00Z'));
  }));
