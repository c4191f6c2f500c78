import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { readEnvironment } from '../../src/config/environment.js';
import { ifPresent } from '../../src/host/failure.js';
import type { Chain } from './chain.js';
import { allPlaces, faults, type Fault } from './cells.js';
import { measureColumn, passes, type Column } from './column.js';
import { readReference, writeReference } from './reference.js';
import { repeatCell } from './repeat.js';
import { runColumn } from './runColumn.js';
import { renderPage } from './table.js';

/**
 * The whole matrix: every place times every fault, a chain to each fault. `--write FILE` makes its page.
 * `--together N` has that many hosts at once, by default two where there are processors for them.
 * Each column is kept in measured/ beside this file, to be committed with the page: `--only FAULT` (repeatable)
 * measures these columns anew, and the page has the others as they were measured last, each with its day and
 * commit. `--same-reference` holds them against the undisturbed chain of the last run on this machine.
 * `--repeat FOLDER` goes on from the snapshot that a failing cell left, with that cell alone.
 */
const { values } = parseArgs({
  options: {
    only: { type: 'string', multiple: true },
    write: { type: 'string' },
    'same-reference': { type: 'boolean', default: false },
    together: { type: 'string', default: String(Math.min(2, availableParallelism())) },
    repeat: { type: 'string' },
  },
});
const directory = join(readEnvironment().cacheDirectory, 'matrix');
const measured = join(import.meta.dirname, 'measured');
const reference = join(directory, 'undisturbed.json');
const say = (words: string): void => void process.stdout.write(`${words}\n`);

if (values.repeat === undefined) await measureAll();
else await repeatOne(values.repeat);

async function measureAll(): Promise<void> {
  const unknown = (values.only ?? []).filter((name) => !faults.some((fault) => fault === name));
  if (unknown.length > 0) throw new Error(`the matrix knows no fault ${unknown.join(', ')}; it knows ${faults.join('; ')}`);
  const wanted = faults.filter((fault) => values.only === undefined || values.only.includes(fault));
  const undisturbed = values['same-reference'] ? await readReference(reference) : await measureUndisturbed();
  const columns: Column[] = [];
  await mkdir(measured, { recursive: true });
  // The longest first, so that the last ones end together.
  const queue = wanted.toSorted((a, b) => Number(b.startsWith('power cut')) - Number(a.startsWith('power cut')));
  const measureNext = async (): Promise<void> => {
    for (let fault = queue.shift(); fault !== undefined; fault = queue.shift()) {
      const sayOf = (words: string): void => say(`${fault}: ${words}`);
      const column = await measureColumn({ fault, undisturbed, name: `matrix-${slugOf(fault)}`, snapshots: join(directory, slugOf(fault)), say: sayOf });
      await writeFile(fileOf(fault), `${JSON.stringify(column, null, 2)}\n`);
      columns.push(column);
    }
  };
  await Promise.all(Array.from({ length: Number(values.together) }, measureNext));
  const page = renderPage(allPlaces(), [...columns, ...(await readOthers(wanted))].toSorted(byFault));
  say(`\n${page}`);
  if (values.write !== undefined) await writeFile(values.write, page);
  if (!columns.every(passes)) process.exitCode = 1;
}

async function measureUndisturbed(): Promise<Chain> {
  say('undisturbed');
  const chain = await runColumn({ name: 'matrix-undisturbed', server: 'outside', faultAt: () => undefined });
  say(`  ${chain.states.join(', ')}; operations ${chain.intact ? 'intact' : JSON.stringify(chain.verdict)}`);
  say(`  bytes read: ${[...chain.bytesRead].map(([place, bytes]) => `${place} ${bytes}`).join(', ')}`);
  if (!chain.intact || chain.failures.length > 0 || chain.states.join() !== 'succeeded,rolled back,rolled back') throw new Error('undisturbed it does not end well: nothing can be held against that');
  await writeReference(reference, chain);
  return chain;
}

function slugOf(fault: Fault): string {
  return fault.replaceAll(/\W+/g, '-');
}

function fileOf(fault: Fault): string {
  return join(measured, `${slugOf(fault)}.json`);
}

function byFault(a: Column, b: Column): number {
  return faults.indexOf(a.fault) - faults.indexOf(b.fault);
}

async function readOthers(measured: readonly Fault[]): Promise<readonly Column[]> {
  const others = faults.filter((fault) => !measured.includes(fault));
  const stored = await Promise.all(others.map((fault) => ifPresent(readFile(fileOf(fault), 'utf8'))));
  return stored.flatMap((text) => (text === undefined ? [] : [JSON.parse(text) as Column]));
}

async function repeatOne(folder: string): Promise<void> {
  const differing = await repeatCell({ folder, undisturbed: await readReference(reference), name: 'matrix', say });
  if (differing.length > 0) process.exitCode = 1;
}
