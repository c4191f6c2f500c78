import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { ifPresent } from '../../src/host/failure.js';
import { faults, type Fault } from './cells.js';
import type { Column } from './column.js';
import type { Course } from './courses/course.js';

/** A fault in the name of a file or a host. */
export function slugOf(fault: Fault): string {
  return fault.replaceAll(/\W+/g, '-');
}

/** Keeps a column in the repository, to be committed with the page. */
export async function writeColumn(course: Pick<Course, 'name'>, column: Column): Promise<void> {
  const path = fileOf(course, column.fault);
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, `${JSON.stringify(column, null, 2)}\n`);
}

/** The columns of a course as they were measured last, in the order of the faults; those that never were are left out. */
export async function readColumns(course: Pick<Course, 'name'>): Promise<readonly Column[]> {
  const stored = await Promise.all(faults.map((fault) => ifPresent(readFile(fileOf(course, fault), 'utf8'))));
  return stored.flatMap((text) => (text === undefined ? [] : [JSON.parse(text) as Column]));
}

function fileOf({ name }: Pick<Course, 'name'>, fault: Fault): string {
  return join(import.meta.dirname, 'measured', name, `${slugOf(fault)}.json`);
}
