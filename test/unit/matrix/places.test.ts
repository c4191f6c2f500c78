import { expect, it } from 'vitest';
import { nameOf } from '../../matrix/cells.js';
import { courses } from '../../matrix/courses/index.js';
import { keys } from '../../matrix/courses/keys.js';
import { migration } from '../../matrix/courses/migration.js';
import { allPlaces } from '../../matrix/places.js';

const namesOf = (course: typeof keys): readonly string[] => allPlaces(course).map(nameOf);

it.each(courses)('every place of the course "$name" has a name of its own', (course) => {
  const names = namesOf(course);
  expect(new Set(names).size).toBe(names.length);
});

it('a rollback has the undos of the migration, what is carried over and the question before that; a run that is left has those of what it began', () => {
  const names = namesOf(migration);
  expect(names.filter((name) => name.startsWith('rollback/')).slice(0, 6)).toEqual(['rollback/open-run', 'rollback/read-way-back', 'rollback/roll-back', 'rollback/begin-way-back', 'rollback/past-the-point-of-no-return', expect.stringContaining('rollback/carry-over')]);
  expect(names).toContain('rollback/select-overlay (undo)');
  expect(names).toContain('migrate/create-volume-file (undo)');
  expect(names).not.toContain('migrate/select-overlay (undo)');
});

it('what the input of a run leaves out is no place, and what another run of the same runbook goes through is one', () => {
  const names = namesOf(keys);
  expect(names).toContain('setupVolume/initialise-database');
  expect(names).not.toContain('setupVolume/note-prepared');
  expect(names).toContain('rotateKey/reencrypt');
  expect(names).toContain('rotateKey/add-operational (undo)');
  // Of the emergency rotation at the end.
  expect(names).toContain('rotateKey/holders-told-at-once');
  expect(new Set(allPlaces(keys).map(({ runbook }) => runbook))).toEqual(new Set(['setupVolume', 'growVolume', 'rotateKey', 'emergencyAccess', 'shutdown', 'startup']));
});
