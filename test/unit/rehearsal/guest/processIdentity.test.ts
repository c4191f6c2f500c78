import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { describe, expect, it } from 'vitest';
import { isRunning, killGroup, parseStartTime, readProcessIdentity } from '../../../../src/rehearsal/guest/processIdentity.js';

describe('parseStartTime', () => {
  const fields = (state: string, threads = 1) => `${state} 1 42 42 0 -1 4194560 102 0 0 0 0 0 0 0 20 0 ${threads} 0 228919 2998272`;

  it('counts from the end of a name that holds spaces and parentheses', () => {
    expect(parseStartTime(`42 (a) b (c) ${fields('S')}`)).toBe(228919);
  });

  it('takes what only waits to be reaped for gone', () => {
    expect(parseStartTime(`42 (sleep) ${fields('Z')}`)).toBeUndefined();
  });

  it('takes a process for running as long as any of its threads is', () => {
    expect(parseStartTime(`42 (linux.uml) ${fields('Z', 2)}`)).toBe(228919);
  });
});

describe('killGroup', () => {
  async function start() {
    const child = spawn('sh', ['-c', 'sleep 600 & echo $!; wait'], { detached: true, stdio: ['ignore', 'pipe', 'inherit'] });
    const [output] = (await once(child.stdout, 'data')) as [Buffer];
    const leader = await readProcessIdentity(Number(child.pid));
    if (leader === undefined) throw new Error('the program did not start');
    return { leader, child: Number(output.toString()) };
  }

  it('ends a process with its children', async () => {
    const { leader, child } = await start();
    await killGroup(leader);
    expect(await isRunning(leader)).toBe(false);
    await expect.poll(() => readProcessIdentity(child)).toBeUndefined();
  });

  it('ends the children of one that was killed itself', async () => {
    const { leader, child } = await start();
    process.kill(leader.pid, 'SIGKILL');
    await expect.poll(() => isRunning(leader)).toBe(false);
    expect(await readProcessIdentity(child)).toBeDefined();
    await killGroup(leader);
    await expect.poll(() => readProcessIdentity(child)).toBeUndefined();
  });

  it('leaves another process alone that has the number now', async () => {
    const { leader } = await start();
    await killGroup({ ...leader, startTime: leader.startTime - 1 });
    await killGroup({ ...leader, bootId: 'an earlier boot' });
    expect(await isRunning(leader)).toBe(true);
    await killGroup(leader);
  });
});
