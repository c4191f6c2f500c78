import { expect, test } from 'vitest';
import { stepActivities } from '../../../src/activities/activities.js';
import type { Question, View } from '../../../src/workflows/engine/nodes.js';
import { leavesOf } from '../../../src/workflows/engine/nodes.js';
import { growVolume } from '../../../src/workflows/growVolume.js';
import { migrate } from '../../../src/workflows/migrate.js';
import { setupVolume } from '../../../src/workflows/setupVolume.js';
import { volumeAnswers } from '../../workflows/migrate/volumeAnswers.js';
import { examineRunbook, readsOfSummary } from './examine.js';

const settings = { filesystemCopy: false, testAccount: false, firstHourSeconds: 1, daySeconds: 1 };
const input = { host: 'h1', startedBy: 'ann', takeOver: false, resume: false };
const idsOf = (runbook: typeof setupVolume) => runbook.sections.map(({ nodes }) => nodes.map(({ id }) => id));

test.each([setupVolume, growVolume])('in $name every result is read after the step that finds it, and every activity exists', async (runbook) => {
  const examined = await examineRunbook(runbook);
  const at = (id: string) => examined.findIndex((node) => node.id === id);
  for (const { id, reads } of examined) for (const read of reads) expect(at(read), `${id} reads ${read}`).toBeLessThan(at(id));
  const called = examined.flatMap(({ does, undoes }) => [...does, ...undoes]);
  expect(called.filter((name) => !Object.hasOwn(stepActivities, name))).toEqual([]);
  for (const { id } of examined) expect(readsOfSummary(runbook, (each) => each === id).every((read) => at(read) >= 0)).toBe(true);
});

test.each([
  [setupVolume, 'set-up'],
  [growVolume, 'grow'],
] as const)('nothing is changed before the gate', async (runbook, gate) => {
  const examined = await examineRunbook(runbook);
  const before = examined.slice(0, examined.findIndex(({ id }) => id === gate)).flatMap(({ does }) => does);
  expect(before.length).toBeGreaterThan(1);
  for (const name of before) expect(stepActivities[name as keyof typeof stepActivities].event, name).toBeUndefined();
});

test('the volume is made by the same steps as in a migration', () => {
  const own = idsOf(setupVolume)[1] ?? [];
  const ofMigrate = migrate.sections.find(({ title }) => title === 'Create encrypted volume')?.nodes.map(({ id }) => id) ?? [];
  expect(own.slice(0, ofMigrate.length)).toEqual(ofMigrate);
  const constants = (runbook: typeof setupVolume) => runbook.sections.flatMap(({ nodes }) => nodes).filter(({ id }) => ofMigrate.includes(id) && id !== 'create-volume-file');
  expect(constants(setupVolume)).toEqual(constants(migrate));
});

test('a new deployment runs with its option alone, and is noted as prepared without it', () => {
  const runs = (newDeployment: boolean) =>
    setupVolume.sections.flatMap(({ nodes }) => nodes).filter(({ when }) => when?.holds({ settings, input: { ...input, newDeployment } }) === true).map(({ id }) => id);
  expect(runs(false)).toEqual(['note-prepared']);
  expect(runs(true)).toEqual(['check-new-deployment', 'select-overlay', 'initialise-database', 'start-application']);
  expect(leavesOf(setupVolume, input)).toEqual(['volume open']);
  expect(leavesOf(setupVolume, { ...input, newDeployment: true })).toEqual(['volume open', 'application up']);
});

test('the gate shows what is there, and needs a reason where old bytes are', () => {
  const gate = setupVolume.sections[0]?.nodes.find(({ id }) => id === 'set-up') as Question;
  const viewWith = (planned: object, rate: object = volumeAnswers.readCipherRate) =>
    ({
      from: ({ id }: { id: string }) => ({ 'plan-volume': { ...volumeAnswers.planVolume, ...planned }, 'measure-cipher': rate, 'read-host': { kernel: '6.1' } })[id],
      input,
      settings,
    }) as unknown as View;
  const evidence = (planned: object, rate?: object) => Object.fromEntries(gate.evidence?.(viewWith(planned, rate)) ?? []);
  const needsReason = (planned: object) => typeof gate.reasonForGo === 'function' && gate.reasonForGo(viewWith(planned));
  expect(evidence({})).toMatchObject({
    'what is there now': 'nothing',
    'database now': '1.70 GiB in /var/lib/docker/volumes/supersync_pg-data/_data',
    'a passphrase costs': 'argon2id with 1.00 GiB of memory (least 64.0 MiB), 4 at a time',
    'AES-256-XTS here': '1825 MiB/s encryption, 1818 MiB/s decryption',
  });
  expect(evidence({ isDevice: true, hasOldBytes: true })['what is there now']).toMatch(/^OLD BYTES without any mark.*LOST/);
  expect(evidence({ database: null }, { aes: false, unmeasured: 'no AF_ALG' })).toMatchObject({
    'AES instructions': 'NO: expect 20 to 40 % overhead instead of 3 to 10 %',
    'AES-256-XTS here': 'not measured: no AF_ALG',
    'database now': 'the deployment has none yet',
  });
  expect([needsReason({}), needsReason({ hasOldBytes: true })]).toEqual([false, true]);
});

test('growing has no way back once it begins, and asks no more of the host than the volume until it is proven', () => {
  expect(growVolume.noWayBackFrom?.id).toBe('grow-file');
  const requires = growVolume.sections.flatMap(({ nodes }) => nodes).filter(({ id }) => id.startsWith('grow-')).map((node) => ('requires' in node ? node.requires : undefined));
  expect(new Set(requires.map((each) => each?.join()))).toEqual(new Set(['volume open']));
});
