import { readFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';

async function readSettings(unit: string): Promise<[name: string, value: string][]> {
  const text = await readFile(new URL(`../../../deploy/${unit}`, import.meta.url), 'utf8');
  return text.split('\n').flatMap((line) => {
    const [, name, value] = /^([A-Za-z]+)=(.*)$/.exec(line) ?? [];
    return name === undefined || value === undefined ? [] : [[name, value]];
  });
}

/** Options by which systemd gives a unit mounts of its own (systemd.exec). */
const givesOwnMounts = /^(Private(Tmp|Mounts|Devices|Users|IPC)|Protect.*|ReadWritePaths|ReadOnlyPaths|InaccessiblePaths|ExecPaths|NoExecPaths|Root.*|Mount.*|Bind.*Paths|TemporaryFileSystem|DynamicUser)$/;

describe.each(['lockstep-server.service', 'lockstep-worker.service'])('%s', (unit) => {
  it("stays in the host's own mounts, where Docker sees what is mounted", async () => {
    const names = (await readSettings(unit)).map(([name]) => name);
    expect(names.filter((name) => givesOwnMounts.test(name))).toEqual([]);
  });

  it('comes back after any end, and starts no containers', async () => {
    const settings = await readSettings(unit);
    expect(settings).toContainEqual(['Restart', 'always']);
    expect(settings).toContainEqual(['StartLimitIntervalSec', '0']);
    const pulls = settings.filter(([name]) => /^(Wants|Requires|Requisite|BindsTo|PartOf|Upholds|RequiresMountsFor)$/.test(name));
    expect(pulls).toEqual([['Wants', 'network-online.target']]);
  });

  it('comes before the containers that start with it, until the host is up', async () => {
    const settings = Object.fromEntries(await readSettings(unit));
    expect(Number(settings['StartupCPUWeight'])).toBeGreaterThan(100);
    // A boot that has not been told ends where the worker is started, before it can do anything.
    if (unit === 'lockstep-worker.service') expect(settings).toMatchObject({ Type: 'notify', TimeoutStartSec: 'infinity' });
  });

  it('counts as any other unit once it is up, whatever it did to start', async () => {
    const settings = Object.fromEntries(await readSettings(unit));
    const setWeight = (setting: string) => /^-systemctl set-property --runtime %n CPUWeight=(\d+)$/.exec(settings[setting] ?? '')?.[1];
    expect(setWeight('ExecStopPost')).toBe(settings['CPUWeight']);
    expect(setWeight('ExecStartPost')).toBe(settings['CPUWeight'] === undefined ? undefined : '100');
  });

  it('is given longer to stop than running steps are, and leaves no core dump', async () => {
    const settings = Object.fromEntries(await readSettings(unit));
    expect(Number(settings['TimeoutStopSec'])).toBeGreaterThan(30 + 5);
    expect(settings).toMatchObject({ KillMode: 'mixed', LimitCORE: '0' });
  });
});
