import stringWidth from 'string-width';
import { describe, expect, test } from 'vitest';
import { offlineSeconds, renderStatus } from '../../../../src/cli/present/statusLines.js';
import { createTheme, plainTheme } from '../../../../src/cli/present/theme.js';
import { turnPhases } from '../../../../src/contract/names.js';
import { at, gate, nodes, status } from './fixtures.js';

const now = new Date(at(76));
const running = {
  attempt: 2,
  started: true,
  lastFailure: 'rsync exited with status 23',
  progress: { phase: 'copying', done: 9e8, total: 1.75e9, unit: 'bytes', rate: 94e6 },
} as const;

test('80 columns: the whole run, with figures, progress and what to type', () => {
  expect(renderStatus({ ...status, questions: [gate] }, { width: 80, now, theme: plainTheme, running })).toEqual([
    'migrate on db.example  RUNNING                                        1 min 16 s',
    'started 2030-05-04 02:00:00 UTC by ann, users offline 15 s',
    '',
    '  Pre-migration checklist                                                 3 of 3',
    '  ✔ Database size, and how long it will take                               0.4 s',
    '      size 1.63 GiB in 5,012 files · copy rate here 94.0 MiB/s · users offline,',
    '      estimated 37 s',
    '  – Filesystem-level backup, encrypted   backup.filesystemCopy is none',
    '  ✔ Preflight: take the backup and prepare the volume?   go, ann',
    '',
    '  Stop PostgreSQL cleanly                                                 1 of 1',
    '  ✔ Stop the application, then the database                                3.0 s',
    '',
    '  Copy and verify  users offline                                          0 of 2',
    '  ▶ The rest of the data, copied with the database stopped and synced to    12 s',
    '    the device',
    '      attempt 2; the one before: rsync exited with status 23',
    '      copying  ███████░░░░░░   51 %  858 MiB of 1.63 GiB  89.6 MiB/s  9.0 s left',
    '  · Every file compared by digest',
    '',
    '  Resume operations                                                       0 of 1',
    '  · End maintenance',
    '',
    '┃ The final backup is verified: stop PostgreSQL?                       open 16 s',
    '┃   database                  1.63 GiB',
    '┃   users offline, estimated  37 s',
    '┃   backup                    /var/backups/supersync/supersync-2030-05-04T01-59-',
    '┃                             20Z-final.dump.zst.gpg',
    '┃   go     lockstep go final-backup',
    '┃   no-go  lockstep no-go final-backup --reason "…"',
  ]);
});

test('160 columns: rows end where the eye still finds them', () => {
  const lines = renderStatus({ ...status, questions: [gate] }, { width: 160, now, theme: plainTheme, running });
  expect(Math.max(...lines.map((line) => stringWidth(line)))).toBe(120);
  expect(lines.slice(12, 17)).toEqual([
    '  Copy and verify  users offline                                                                                  0 of 2',
    '  ▶ The rest of the data, copied with the database stopped and synced to the device                                 12 s',
    '      attempt 2; the one before: rsync exited with status 23',
    '      copying  █████████████████████░░░░░░░░░░░░░░░░░░░   51 %  858 MiB of 1.63 GiB  89.6 MiB/s  9.0 s left',
    '  · Every file compared by digest',
  ]);
});

test('a terminal that is too low gets the section in which something goes on, and one line for each other', () => {
  expect(renderStatus(status, { width: 80, height: 12, now, theme: plainTheme, running: { attempt: 1, started: true } })).toEqual([
    'migrate on db.example  RUNNING                                        1 min 16 s',
    'started 2030-05-04 02:00:00 UTC by ann, users offline 15 s',
    '',
    '✔ Pre-migration checklist                                                   59 s',
    '✔ Stop PostgreSQL cleanly                                                  3.0 s',
    '  Copy and verify  users offline                                          0 of 2',
    '  ▶ The rest of the data, copied with the database stopped and synced to    12 s',
    '    the device',
    '  · Every file compared by digest',
    '· Resume operations                                                      1 to do',
  ]);
});

describe.each([40, 80, 100, 160])('at %i columns', (width) => {
  test.each([undefined, 30, 20, 10])('no line is wider than the terminal, nor are there more than %s', (height) => {
    const view = { width, now, theme: createTheme(true), running, ...(height === undefined ? {} : { height }) };
    const lines = renderStatus({ ...status, questions: height === 10 ? [] : [gate] }, view);
    for (const line of lines) expect(stringWidth(line)).toBeLessThanOrEqual(width);
    if (height !== undefined) expect(lines.length).toBeLessThanOrEqual(height);
  });
});

test('a step that waits for its next attempt says for how long', () => {
  const waiting = { attempt: 3, started: false, lastFailure: 'disk is busy', nextAttemptAt: at(80) };
  expect(renderStatus(status, { width: 80, now, theme: plainTheme, running: waiting })).toContain(
    '      attempt 3; next attempt in 4.0 s; the one before: disk is busy',
  );
});

test('users are offline from the first such node until the last of them has ended', () => {
  const ended = nodes.map((node) => (node.usersOffline ? { ...node, state: 'done' as const, endedAt: at(300) } : node));
  expect(offlineSeconds({ ...status, nodes: ended }, new Date(at(9999)))).toBe(239);
  expect(offlineSeconds(status, now)).toBe(15);
  expect(offlineSeconds({ ...status, nodes: nodes.slice(0, 3) }, now)).toBeUndefined();
  // What is being undone has not given the service back yet.
  const undoing = ended.map((node) => (node.id === 'copy' ? { ...node, state: 'undoing' as const } : node));
  expect(offlineSeconds({ ...status, nodes: undoing }, new Date(at(9999)))).toBe(9938);
});

test('of a run that is over the time stands still', () => {
  const ended = nodes.map((node) => ({ ...node, state: 'undone' as const, startedAt: at(61), endedAt: at(300) }));
  const over = { ...status, nodes: [...ended, ...nodes.filter(({ usersOffline }) => usersOffline).map((node) => ({ ...node, id: `later-${node.id}`, state: 'pending' as const }))], outcome: 'no-go' };
  const head = (when: Date) => renderStatus(over, { width: 120, now: when, theme: plainTheme })[1];
  expect(head(new Date(at(9999)))).toBe(head(new Date(at(400))));
  expect(head(now)).toContain('users offline 3 min 59 s');
});

test('a failure that is asked about is told once, in the question', () => {
  const failed = nodes.map((node) => (node.id === 'copy' ? { ...node, state: 'failed' as const, note: 'disk is full' } : node));
  const parked = { ...gate, id: 'copy.failed.1', node: 'copy', kind: 'parked' as const, title: 'Copy failed: disk is full' };
  const view = { width: 80, now, theme: plainTheme };
  const count = (lines: readonly string[]) => lines.filter((line) => line.includes('disk is full')).length;
  expect(count(renderStatus({ ...status, nodes: failed, questions: [parked] }, view))).toBe(1);
  expect(count(renderStatus({ ...status, nodes: failed }, view))).toBe(1);
});

test('what does not fit is counted', () => {
  const view = { width: 80, height: 8, now, theme: plainTheme };
  expect(renderStatus(status, view).at(-1)).toBe('  … and 2 more lines');
});

test('of many questions the most urgent stands in full, and the others by a line each, with their deadlines', () => {
  const later = (id: string, hours: number) => ({ ...gate, id, title: `Is ${id} done?`, dueAt: at(hours * 3600) });
  const questions = [later('procedures', 72), later('passwords', 1), later('vector', 24), later('logs', 24), later('splitting', 72)];
  const lines = renderStatus({ ...status, questions }, { width: 100, height: 24, now: new Date(at(3700)), theme: plainTheme });
  const tail = lines.slice(lines.findIndex((line) => line.startsWith('┃')));
  expect(tail[0]).toMatch(/^┃ Is passwords done\?/);
  expect(tail).toContain('┃ OVERDUE since 2030-05-04 03:00 UTC (1 min 40 s)');
  expect(tail).toContain('┃   go     lockstep go passwords');
  expect(tail.slice(-4).map((line) => line.replaceAll(/ {2,}/g, '  '))).toEqual([
    '┃ Is vector done? vector  due 2030-05-05 02:00 UTC (in 22 h 58 min)',
    '┃ Is logs done? logs  due 2030-05-05 02:00 UTC (in 22 h 58 min)',
    '┃ Is procedures done? procedures  due 2030-05-07 02:00 UTC (in 70 h 58 min)',
    '┃ Is splitting done? splitting  due 2030-05-07 02:00 UTC (in 70 h 58 min)',
  ]);
  expect(renderStatus({ ...status, questions }, { width: 100, now, theme: plainTheme }).filter((line) => line.includes('lockstep go '))).toHaveLength(5);
});

test('a run of its own is shown with where to look on, and its deadline while it goes', () => {
  const rotation = { id: 'rotate', section: 'Response', title: 'Keys rotated', kind: 'child', plan: '5.3', usersOffline: false, state: 'running', startedAt: at(10), dueAt: at(3600), note: 'lockstep watch db/rotateKey-emergency' } as const;
  const lines = renderStatus({ ...status, nodes: [rotation], questions: [] }, { width: 120, now, theme: plainTheme });
  expect(lines.join('\n')).toContain('Keys rotated   lockstep watch db/rotateKey-emergency   due 2030-05-04 03:00 UTC (in 58 min 44 s)');
});

test('80 columns: a run that has not its host yet says for what it waits', () => {
  const pending = nodes.map(({ startedAt: _, endedAt: __, facts: ___, note: ____, ...node }) => ({ ...node, state: 'pending' as const }));
  const waits = { attempt: 1, started: true, progress: { phase: turnPhases.waitsForStep('db.example/migrate', 'Full database backup, encrypted') } };
  const lines = renderStatus({ ...status, nodes: pending }, { width: 80, now, theme: plainTheme, running: waits });
  expect(lines.slice(3, 6)).toEqual(['waits until db.example/migrate has ended its step "Full database backup,', 'encrypted", and has the host then', '']);
  expect(lines.every((line) => stringWidth(line) <= 80)).toBe(true);
  expect(renderStatus({ ...status, nodes: pending }, { width: 80, now, theme: plainTheme, running: { ...waits, progress: { phase: 'copying' } } }).join()).not.toContain('copying');
});
