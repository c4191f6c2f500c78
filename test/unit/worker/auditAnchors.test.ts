import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { beforeAll, expect, test, vi } from 'vitest';
import type { Alert } from '../../../src/contract/alerts.js';
import { configSchema } from '../../../src/config/schema.js';
import { readAnchors } from '../../../src/host/audit/anchor.js';
import type { AnchorChannel } from '../../../src/host/audit/anchorPlaces.js';
import { auditPositionPath } from '../../../src/host/audit/auditPosition.js';
import { createAuditLog } from '../../../src/host/audit/auditLog.js';
import { createAuditAnchors, type AuditAnchorSettings } from '../../../src/worker/auditAnchors.js';
import { clock, eventOf, verify } from '../host/audit/logs.js';
import { assertRoot, withDirectory } from '../needsRoot.js';

/** On a machine that does much else. */
const waitFor = <Result>(check: () => Result | Promise<Result>) => vi.waitFor(check, { timeout: 15_000 });

beforeAll(() => assertRoot('the audit log is given to the group adm'));

function createHost(directory: string, to: readonly unknown[], settings: Partial<AuditAnchorSettings> = {}) {
  const config = configSchema.parse({ host: 'db1', stateDirectory: `${directory}/state`, auditLog: `${directory}/audit.log`, audit: { anchors: { to } } });
  const told: (readonly [string, unknown])[] = [];
  const log = {
    info: (fields: unknown, words: string) => void told.push([words, fields]),
    warn: (fields: unknown, words: string) => void told.push([words, fields]),
  } as unknown as AuditAnchorSettings['log'];
  const audit = createAuditLog({ path: config.auditLog, positionPath: auditPositionPath(config), clock });
  const start = () => createAuditAnchors({ loadConfig: () => Promise.resolve({ config }), log, now: clock, firstRetryMilliseconds: 20, ...settings });
  return { config, told, start, append: (id: string) => audit.append(eventOf(id)) };
}

/** Runs a worker's anchors while something is waited for. */
const during = (anchors: ReturnType<typeof createAuditAnchors>, ...checks: readonly (() => Promise<unknown>)[]) =>
  anchors.during(async () => {
    for (const check of checks) await check();
  });
const sequencesIn = async (path: string) => (await readAnchors(path)).anchors.map(({ sequence }) => sequence);

test('an anchor goes out at the start, and after the end of a run, where something new is in the log', () =>
  withDirectory(async (directory) => {
    const path = `${directory}/anchors`;
    const { append, start, config } = createHost(directory, [{ kind: 'file', path }]);
    await writeFile(path, '');
    await append('a');
    await append('b');
    const anchors = start();
    await during(
      anchors,
      () => waitFor(async () => expect(await sequencesIn(path)).toEqual([2])),
      async () => {
        await append('c');
        anchors.noticed('DATA_COPY');
        await new Promise((resolve) => setTimeout(resolve, 50));
        expect(await sequencesIn(path)).toEqual([2]);
        anchors.noticed('RUN_CLOSE');
      },
      () => waitFor(async () => expect(await sequencesIn(path)).toEqual([2, 3])),
    );
    // A worker that starts anew knows what was sent.
    const again = start();
    await during(again, () => new Promise((resolve) => setTimeout(resolve, 50)));
    expect(await sequencesIn(path)).toEqual([2, 3]);
    const { anchors: sent } = await readAnchors(path);
    expect(sent[0]).toMatchObject({ at: '2024-01-15T10:23:45Z', host: 'db1' });
    expect(await verify([config.auditLog], sent)).toMatchObject({ verdict: 'intact', anchors: { agreeing: 2 } });
  }));

test('a place that fails is told of once and tried again; the others have their anchor meanwhile', () =>
  withDirectory(async (directory) => {
    const [missing, present] = [`${directory}/mount/anchors`, `${directory}/anchors`];
    const { append, start, told } = createHost(directory, [{ kind: 'file', path: missing }, { kind: 'file', path: present }]);
    await writeFile(present, '');
    await append('a');
    await during(
      start(),
      () => waitFor(async () => expect(await sequencesIn(present)).toEqual([1])),
      () => new Promise((resolve) => setTimeout(resolve, 100)),
      async () => {
        await mkdir(`${directory}/mount`);
        await writeFile(missing, '');
      },
      () => waitFor(async () => expect(await sequencesIn(missing)).toEqual([1])),
      () => waitFor(() => expect(told).toHaveLength(3)),
    );
    expect(await sequencesIn(present)).toEqual([1]);
    expect(told).toEqual([
      ['an anchor of the audit log does not get out; it is tried again', { place: `file ${missing}`, failure: expect.stringContaining(`${missing} does not exist`) as unknown }],
      ['the audit log is anchored', { place: `file ${present}`, sequence: 1 }],
      ['the audit log is anchored', { place: `file ${missing}`, sequence: 1 }],
    ]);
  }));

test('people are told once of a place that fails for long, and again where it fails anew', () =>
  withDirectory(async (directory) => {
    const path = `${directory}/anchors`;
    const raised: Alert[] = [];
    const alerting = { host: 'db1', raise: (alert: Alert) => (raised.push(alert), Promise.resolve()) };
    let time = 0;
    const { append, start } = createHost(directory, [{ kind: 'file', path }], { alerting, patienceMilliseconds: 100, now: () => new Date(Date.parse('2024-01-15T10:23:45Z') + 1000 * time++) });
    await append('a');
    const anchors = start();
    await during(
      anchors,
      async () => {
        await new Promise((resolve) => setTimeout(resolve, 50));
        expect(raised).toEqual([]);
      },
      () => waitFor(() => expect(raised).toHaveLength(1)),
      () => new Promise((resolve) => setTimeout(resolve, 200)),
      async () => {
        await writeFile(path, '');
        await waitFor(async () => expect(await sequencesIn(path)).toEqual([1]));
        await rename(path, `${path}.away`);
        await append('b');
        anchors.noticed('RUN_CLOSE');
      },
      () => waitFor(() => expect(raised).toHaveLength(2)),
    );
    expect(raised[0]).toMatchObject({ severity: 'warning', subject: 'the audit log of db1 is not anchored', text: expect.stringContaining(`nothing gets to file ${path}: ${path} does not exist`) as unknown, host: 'db1' });
    expect(new Set(raised.map(({ id }) => id)).size).toBe(2);
  }));

test('a place that hangs keeps no other one, is not sent to twice, and does not hold the worker', () =>
  withDirectory(async (directory) => {
    const path = `${directory}/anchors`;
    let calls = 0;
    const hanging: AnchorChannel = { name: 'mail', send: () => new Promise(() => void (calls += 1)) };
    const { append, start, told } = createHost(directory, [{ kind: 'alerts' }, { kind: 'file', path }], { channelsOf: () => [hanging], roundMilliseconds: 500 });
    await writeFile(path, '');
    await append('a');
    const anchors = start();
    await during(
      anchors,
      () => waitFor(async () => expect(await sequencesIn(path)).toEqual([1])),
      async () => {
        await append('b');
        anchors.noticed('RUN_CLOSE');
      },
      () => waitFor(async () => expect(await sequencesIn(path)).toEqual([1, 2])),
    );
    expect(calls).toBe(1);
    expect(told).toContainEqual([expect.stringContaining('does not get out'), { place: 'alerts by mail', failure: 'it has not answered yet' }]);
  }));

test('a lockstep.yaml that cannot be read stops nothing, and work that fails ends the sending', () =>
  withDirectory(async (directory) => {
    const path = `${directory}/anchors`;
    const { append, start, config } = createHost(directory, [{ kind: 'file', path }]);
    await writeFile(path, '');
    await append('a');
    let isReadable = false;
    const anchors = createAuditAnchors({
      loadConfig: () => (isReadable ? Promise.resolve({ config }) : Promise.reject(new Error('not now'))),
      log: { info: () => undefined, warn: () => undefined },
      firstRetryMilliseconds: 20,
    });
    const work = anchors.during(async () => {
      await new Promise((resolve) => setTimeout(resolve, 30));
      isReadable = true;
      await waitFor(async () => expect(await sequencesIn(path)).toEqual([1]));
      throw new Error('the worker refused to start');
    });
    await expect(work).rejects.toThrow('the worker refused to start');
    await rename(path, `${path}.old`);
    await start().during(() => Promise.resolve());
    expect(JSON.parse(await readFile(`${directory}/state/audit/anchors.json`, 'utf8'))).toEqual({ [`file ${path}`]: expect.stringMatching(/^1 [0-9a-f]{32}$/) as unknown });
  }));
