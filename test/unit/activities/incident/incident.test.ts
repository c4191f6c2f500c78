import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, open, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { incidentActivities } from '../../../../src/activities/incident/incident.js';
import type { JournalEntry } from '../../../../src/activities/wrapper/journal.js';
import { beginning, renderAuditLine } from '../../../../src/host/audit/auditLine.js';
import { auditPositionPath, keepAuditPosition } from '../../../../src/host/audit/auditPosition.js';
import type { Logins } from '../../../../src/host/logins.js';
import { withDirectory } from '../../needsRoot.js';
import { createAttempt } from '../attempt.js';

const opened = { kind: 'opened', at: '2026-11-01T20:00:00.000Z' } as JournalEntry;
const itemOf = (id: string, endedAt: string, state = 'done', note = ''): JournalEntry => ({ kind: 'node', at: endedAt, node: id, title: `Title of ${id}`, plan: '5.3', state: state as 'done', note, dueAt: '2026-11-01T21:00:00.000Z', endedAt });
const decided = (question: string, answer: string, reason = 'because'): JournalEntry => ({ kind: 'decision', at: '2026-11-01T20:30:00.000Z', question, answer, by: 'ann', reason, outcome: 'counted' });

async function report(directory: string, ...entries: readonly JournalEntry[]) {
  const attempt = createAttempt({ directory });
  await attempt.journal(opened, ...entries);
  const result = await incidentActivities.writeIncidentReport.perform(attempt, undefined);
  return { result, text: await readFile(result.file, 'utf8') };
}

const conditions = ['never-unlocked', 'no-data-accessed', 'rotated-in-time'];
const answered = (...answers: readonly string[]) => answers.flatMap((answer, index) => [decided(conditions[index] ?? '', answer), itemOf(conditions[index] ?? '', '2026-11-01T20:30:00.000Z')]);

test('the report says of each item who did it when, against its deadline', () =>
  withDirectory(async (directory) => {
    const { result, text } = await report(
      directory,
      { kind: 'node', at: '', node: 'review-unlocks', title: 'The audit log', plan: '5.3', state: 'done', facts: [['unlocks', '11']] },
      decided('related-passwords', 'acknowledged', 'changed | both'),
      itemOf('related-passwords', '2026-11-01T22:05:00.000Z'),
      decided('assess-blast-radius', 'acknowledged', 'two people'),
      itemOf('assess-blast-radius', '2026-11-01T20:20:00.000Z'),
      itemOf('rotate-keys', '2026-11-01T20:40:00.000Z', 'skipped', 'it failed; skipped by ben: by hand'),
    );
    expect(result).toMatchObject({ items: 3, late: 1, notDone: 1, verdict: 'not assessed' });
    const rows = text.split('\n').filter((line) => line.includes('Title of'));
    expect(rows).toEqual([
      '| 2026-11-01 20:20 UTC | Title of assess-blast-radius | 5.3 | 2026-11-01 21:00 UTC | in time | ann | acknowledged: two people |',
      '| 2026-11-01 20:40 UTC | Title of rotate-keys | 5.3 | 2026-11-01 21:00 UTC | NOT done |  | it failed; skipped by ben: by hand |',
      String.raw`| 2026-11-01 22:05 UTC | Title of related-passwords | 5.3 | 2026-11-01 21:00 UTC | late by 1 h 05 min | ann | acknowledged: changed \| both |`,
    ]);
    expect(text).toContain('- unlocks: 11');
  }));

test('the assessment has a line for each condition', () =>
  withDirectory(async (directory) => {
    const { text } = await report(directory, ...answered('no', 'yes'));
    const lines = text.split('\n');
    expect(lines.slice(lines.indexOf('**notifiable**'), lines.indexOf('## Notifications'))).toEqual([
      '**notifiable**',
      '',
      expect.stringMatching(/^- Was the volume never unlocked .* no, ann: /),
      expect.stringMatching(/^- Was no data accessed\? yes, ann: /),
      expect.stringMatching(/^- Was the rotation completed .* Not answered\.$/),
      '',
    ]);
  }));

test('of a run that was begun anew the report says what it came to, and not how it was begun', () =>
  withDirectory(async (directory) => {
    const { result, text } = await report(
      directory,
      itemOf('rotate-keys', '2026-11-01T20:30:00.000Z', 'failed', 'h1/rotateKey-emergency ended as rolled back'),
      decided('rotate-keys.failed.1', 'retry', 'once more'),
      itemOf('rotate-keys', '2026-11-01T20:40:00.000Z', 'done', 'h1/rotateKey-emergency: Rotate keys: done'),
    );
    expect(result).toMatchObject({ items: 1, notDone: 0 });
    expect(text).toContain('| in time |  | h1/rotateKey-emergency: Rotate keys: done |');
    expect(text).not.toMatch(/retry|NOT done/);
  }));

test('what was said at a later opening of a question counts', () =>
  withDirectory(async (directory) => {
    const { result } = await report(directory, ...answered('yes', 'yes', 'yes'), decided('no-data-accessed.2', 'no'));
    expect(result.verdict).toBe('notifiable');
  }));

test.each([
  [['yes', 'yes', 'yes'], 'not notifiable'],
  [['yes', 'no', 'yes'], 'notifiable'],
  [['no'], 'notifiable'],
  [['yes', 'yes'], 'not assessed'],
  [[], 'not assessed'],
] as const)('the three conditions answered %j: %s', (answers, verdict) =>
  withDirectory(async (directory) => {
    const { result, text } = await report(directory, ...answered(...answers));
    expect(result.verdict).toBe(verdict);
    expect(text).toContain(`**${verdict}**\n\n- Was the volume never unlocked by an unauthorised party?`);
  }));

test('an answer that did not count does not count in the report', () =>
  withDirectory(async (directory) => {
    const refused = { ...decided('never-unlocked', 'no'), outcome: 'reason missing' } as JournalEntry;
    expect((await report(directory, ...answered('yes', 'yes', 'yes'), refused)).result.verdict).toBe('not notifiable');
  }));

test('the drafts name the four points of Art. 33(3), and the 72 hours from the beginning', () =>
  withDirectory(async (directory) => {
    const attempt = createAttempt({ directory, config: { compromise: { remediationSeconds: 3600 } } });
    await attempt.journal(opened);
    const { authority, users, notifyBy } = await incidentActivities.draftNotifications.perform(attempt, undefined);
    expect(notifyBy).toBe('2026-11-04T20:00:00.000Z');
    const text = await readFile(authority, 'utf8');
    for (const point of ['(a) Nature', '(b) Contact', '(c) Likely consequences', '(d) Measures']) expect(text).toContain(point);
    expect(text).toContain('send it by 2026-11-04 20:00 UTC');
    expect(await readFile(users, 'utf8')).toContain('SuperSync');
  }));

test('a response that goes on with a lost one has been aware since that began', () =>
  withDirectory(async (directory) => {
    const attempt = createAttempt({ directory });
    await attempt.journal({ ...opened, adopted: { startedAt: '2026-10-31T20:00:00.000Z', reached: {} } } as JournalEntry);
    const { authority } = await incidentActivities.draftNotifications.perform(attempt, undefined);
    expect(await readFile(authority, 'utf8')).toContain('send it by 2026-11-03 20:00 UTC');
    const { file } = await incidentActivities.writeIncidentReport.perform(attempt, undefined);
    expect(await readFile(file, 'utf8')).toContain('Begun 2026-10-31T20:00:00.000Z by');
  }));

test('where it was known before the response began, the 72 hours count from then', () =>
  withDirectory(async (directory) => {
    const attempt = createAttempt({ directory });
    await attempt.journal({ ...opened, options: { awareSince: '2026-10-30T20:00:00.000Z' } } as JournalEntry);
    const { authority } = await incidentActivities.draftNotifications.perform(attempt, undefined);
    const draft = await readFile(authority, 'utf8');
    expect(draft).toContain('send it by 2026-11-02 20:00 UTC');
    expect(draft).toContain('Became aware: 2026-10-30 20:00 UTC');
    const { file } = await incidentActivities.writeIncidentReport.perform(attempt, undefined);
    expect(await readFile(file, 'utf8')).toContain('Begun 2026-11-01T20:00:00.000Z by');
    expect(await readFile(file, 'utf8')).toContain('Deadlines count from 2026-10-30T20:00:00.000Z');
  }));

test('the review tells figures, the latest unusual events, and whether the log can be believed', () =>
  withDirectory(async (directory) => {
    const auditLog = join(directory, 'audit.log');
    await mkdir(join(directory, 'runs', 'startup-run-1'), { recursive: true });
    const events = Array.from({ length: 25 }, (_, index) => ({ id: `run-${index < 24 ? 9 : 1}/open/do/${index}/x`, event: 'VOLUME_UNLOCK', by: 'ann' }));
    let before = beginning;
    const lines = events.map((event) => {
      const line = renderAuditLine(event, new Date('2026-10-01T12:00:00Z'), before).toString('utf8');
      before = { sequence: before.sequence + 1, chain: line.trimEnd().slice(-32) };
      return line;
    });
    await writeFile(auditLog, lines.join(''));
    const config = { auditLog, stateDirectory: directory };
    const found = await incidentActivities.reviewUnlocks.perform(createAttempt({ directory, config }), undefined);
    expect(found).toMatchObject({ events: 25, unlocks: 25, failed: 0, people: ['ann'], unusual: 24, log: expect.stringContaining('25 lines, each following') as string });
    expect(found.lines).toHaveLength(20);
    expect((await readFile(found.file, 'utf8')).trimEnd().split('\n')).toHaveLength(25);
    await writeFile(auditLog, lines.slice(1).join(''));
    expect(await incidentActivities.reviewUnlocks.perform(createAttempt({ directory, config }), undefined)).toMatchObject({ log: expect.stringContaining('NOT intact: line 1') as string });
    expect(await incidentActivities.reviewUnlocks.perform(createAttempt({ directory, config: { ...config, auditLog: join(directory, 'none.log') } }), undefined)).toMatchObject({ events: 0, log: expect.stringContaining('is not there') as string });
  }));

test('what another run writes while the log is looked at is no sign of a cut', () =>
  withDirectory(async (directory) => {
    const auditLog = join(directory, 'audit.log');
    execFileSync('mkfifo', [auditLog]);
    const config = { auditLog, stateDirectory: directory };
    const first = renderAuditLine({ id: 'a', event: 'VOLUME_UNLOCK', by: 'ann' }, new Date('2026-10-01T12:00:00Z'), beginning).toString('utf8');
    const position = auditPositionPath({ stateDirectory: directory });
    const looking = incidentActivities.reviewUnlocks.perform(createAttempt({ directory, config }), undefined);
    // A pipe opens when somebody reads: the log is read twice, and goes on right after the second time.
    await writeFile(auditLog, first);
    await expect.poll(() => existsSync(join(directory, 'unlocks.txt'))).toBe(true);
    const pipe = await open(auditLog, 'w');
    await keepAuditPosition(position, { sequence: 2, chain: 'f'.repeat(32), path: auditLog, inode: 1, bornAt: 1 });
    await pipe.write(first);
    await pipe.close();
    expect(await looking).toMatchObject({ log: expect.stringContaining('1 lines, each following') as string });
  }));

test('logins are counted by who came from where', () =>
  withDirectory(async (directory) => {
    const logins: Logins = { sessions: [{ by: 'ben', at: '2026-10-01' }], accepted: [{ by: 'ann', from: '192.0.2.7', at: '2026-10-02' }, { by: 'ann', from: '192.0.2.7', at: '2026-10-03' }], refused: 2, refusedFrom: 1, lacking: ['last'], lines: ['all of it'] };
    const found = await incidentActivities.readLogins.perform(createAttempt({ directory, tools: { logins: { read: () => Promise.resolve(logins) } } }), undefined);
    expect(found).toMatchObject({ sessions: 1, accepted: 2, refused: 2, lacking: ['last'], lines: ['ann from 192.0.2.7: 2, last 2026-10-03', 'ben from the console: 1, last 2026-10-01'] });
    expect(await readFile(found.file, 'utf8')).toBe('all of it\n');
  }));
