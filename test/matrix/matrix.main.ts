import { writeFile } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { readEnvironment } from '../../src/config/environment.js';
import type { Chain } from './chain.js';
import { faults, nameOf, type Fault } from './cells.js';
import { measureColumn, passes, type Column } from './column.js';
import type { Course } from './courses/course.js';
import { courses } from './courses/index.js';
import { readColumns, slugOf, writeColumn } from './measurements.js';
import { allPlaces } from './places.js';
import { readReference, writeReference } from './reference.js';
import { repeatCell } from './repeat.js';
import { runColumn } from './runColumn.js';
import { renderPage } from './table.js';

/**
 * The whole matrix: every place times every fault, a chain to each fault of each course. `--write FILE` makes its page.
 * `--together N` has that many hosts at once, by default two where there are processors for them.
 * Each column is kept in measured/ beside this file, to be committed with the page: `--course NAME` and `--only FAULT`
 * (both repeatable) measure these anew, and the page has the others as they were measured last, each with its day and
 * commit. `--undisturbed` measures nothing but what they are held against, `--same-reference` takes that of the last
 * run on this machine. `--at TEXT` (repeatable) breaks nothing but at places whose name contains it: that is not kept.
 * `--repeat FOLDER` goes on from the snapshot that a failing cell left, with that cell alone.
 */
const { values } = parseArgs({
  options: {
    course: { type: 'string', multiple: true },
    only: { type: 'string', multiple: true },
    at: { type: 'string', multiple: true },
    write: { type: 'string' },
    undisturbed: { type: 'boolean', default: false },
    'same-reference': { type: 'boolean', default: false },
    together: { type: 'string', default: String(Math.min(2, availableParallelism())) },
    repeat: { type: 'string' },
  },
});
const directory = join(readEnvironment().cacheDirectory, 'matrix');
const referenceOf = ({ name }: Course): string => join(directory, name, 'undisturbed.json');
const say = (words: string): void => void process.stdout.write(`${words}\n`);

if (values.repeat === undefined) await measureAll();
else await repeatOne(values.repeat);

async function measureAll(): Promise<void> {
  const wantedFaults = choose('fault', faults, (fault) => fault, values.undisturbed ? [] : values.only);
  const wantedCourses = choose('course', courses, ({ name }) => name, values.course);
  const queue: { readonly course: Course; readonly fault: Fault; readonly undisturbed: Chain }[] = [];
  for (const course of wantedCourses) {
    const undisturbed = values['same-reference'] ? await readReference(referenceOf(course)) : await measureUndisturbed(course);
    queue.push(...wantedFaults.map((fault) => ({ course, fault, undisturbed })));
  }
  // The longest first, so that the last ones end together.
  queue.sort((a, b) => Number(b.fault.startsWith('power cut')) - Number(a.fault.startsWith('power cut')));
  const measured: Column[] = [];
  const measureNext = async (): Promise<void> => {
    for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
      const { course, fault, undisturbed } = next;
      const [name, snapshots] = [`${course.name}-${slugOf(fault)}`, join(directory, course.name, slugOf(fault))];
      const places = allPlaces(course).filter((place) => values.at === undefined || values.at.some((text) => nameOf(place).includes(text)));
      const column = await measureColumn({ course, fault, places, undisturbed, name, snapshots, say: (words) => say(`${course.name}, ${fault}: ${words}`) });
      if (values.at === undefined) await writeColumn(course, column);
      measured.push(column);
    }
  };
  await Promise.all(Array.from({ length: Number(values.together) }, measureNext));
  const tables = await Promise.all(courses.map(async (course) => ({ course, places: allPlaces(course), columns: await readColumns(course) })));
  const page = renderPage(tables);
  say(`\n${page}`);
  if (values.write !== undefined) await writeFile(values.write, page);
  if (!measured.every(passes)) process.exitCode = 1;
}

function choose<T>(what: string, all: readonly T[], nameOfOne: (one: T) => string, names: readonly string[] | undefined): readonly T[] {
  const unknown = (names ?? []).filter((name) => !all.some((one) => nameOfOne(one) === name));
  if (unknown.length > 0) throw new Error(`the matrix knows no ${what} ${unknown.join(', ')}; it knows ${all.map(nameOfOne).join('; ')}`);
  return all.filter((one) => names === undefined || names.includes(nameOfOne(one)));
}

async function measureUndisturbed(course: Course): Promise<Chain> {
  say(`${course.name}, undisturbed`);
  const chain = await runColumn({ course, name: `${course.name}-undisturbed`, server: 'outside', faultAt: () => undefined });
  say(`  ${chain.states.join(', ')}; operations ${chain.intact ? 'intact' : JSON.stringify(chain.verdict)}`);
  say(`  bytes read: ${[...chain.bytesRead].map(([place, bytes]) => `${place} ${bytes}`).join(', ')}`);
  for (const words of chain.failures) say(`  ${words}`);
  if (!chain.intact || chain.failures.length > 0 || chain.states.join() !== course.runs.map(({ ends }) => ends).join()) throw new Error('undisturbed it does not end well: nothing can be held against that');
  await writeReference(referenceOf(course), chain);
  return chain;
}

async function repeatOne(folder: string): Promise<void> {
  const course = courses.find(({ name }) => folder.startsWith(join(directory, name)));
  if (course === undefined) throw new Error(`${folder} is no snapshot of a course: they lie in ${directory}/<course>`);
  const differing = await repeatCell({ course, folder, undisturbed: await readReference(referenceOf(course)), name: `${course.name}-again`, say });
  if (differing.length > 0) process.exitCode = 1;
}
