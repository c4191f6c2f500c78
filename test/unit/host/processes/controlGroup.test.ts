import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { createControlGroups, readControlGroupMount } from '../../../../src/host/processes/controlGroup.js';
import { createRun } from '../../../../src/host/processes/runner.js';

const mount = await readControlGroupMount();
const usable = mount !== undefined && process.getuid?.() === 0;

describe.runIf(usable)('a control group', () => {
  const groups = createControlGroups({ root: mount ?? '' });
  const name = `lockstep-test-${process.pid}`;
  afterAll(async () => {
    await groups.endControlGroup({ name });
    await groups.removeControlGroup({ name });
  });

  it('is ended with the children of its children, and only then removed', async () => {
    const { path } = await groups.ensureControlGroup({ name });
    await groups.ensureControlGroup({ name });
    const running = createRun({ controlGroup: path })('sh', ['-c', 'sleep 60 & (sleep 60 &) ; wait']).catch((error: unknown) => error);
    await expect.poll(() => readFile(join(path, 'cgroup.procs'), 'utf8')).not.toBe('');
    await expect(groups.removeControlGroup({ name })).rejects.toThrow('EBUSY');
    expect((await groups.endControlGroup({ name })).endedProcesses).toBeGreaterThan(0);
    expect(await groups.endControlGroup({ name })).toEqual({ endedProcesses: 0 });
    expect(await running).toBeInstanceOf(Error);
    expect(await groups.removeControlGroup({ name })).toEqual({ changed: true });
    expect(await groups.removeControlGroup({ name })).toEqual({ changed: false });
    expect(existsSync(path)).toBe(false);
  });
});

describe('control groups', () => {
  it('have names that stay below their root', async () => {
    const groups = createControlGroups({ root: '/nowhere' });
    for (const name of ['', '..', '../x', 'a/b', '/x', '.hidden']) {
      await expect(groups.ensureControlGroup({ name })).rejects.toThrow(/no name for a control group/);
    }
  });

  it('that do not exist hold nothing', async () => {
    const groups = createControlGroups({ root: '/nowhere' });
    expect(await groups.endControlGroup({ name: 'absent' })).toEqual({ endedProcesses: 0 });
    expect(await groups.removeControlGroup({ name: 'absent' })).toEqual({ changed: false });
  });

  it('are looked for where version 2 is mounted', async () => {
    const root = await mkdtemp(join(tmpdir(), 'cgroup-'));
    await mkdir(join(root, 'self'));
    const lines = ['31 23 0:28 / /sys/fs/cgroup rw - tmpfs tmpfs rw', '41 31 0:38 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw'];
    await writeFile(join(root, 'self/mountinfo'), lines.join('\n'));
    expect(await readControlGroupMount({ procDirectory: root })).toBe('/sys/fs/cgroup/unified');
    await writeFile(join(root, 'self/mountinfo'), lines.slice(0, 1).join('\n'));
    expect(await readControlGroupMount({ procDirectory: root })).toBeUndefined();
    await rm(root, { recursive: true });
  });
});
