import { writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { parseArgs } from 'node:util';
import { readEnvironment } from '../../src/config/environment.js';
import { allPlaces, faults, nameOf } from './cells.js';
import { measureColumn, passes, serverOf, type Column } from './column.js';
import { readCut } from './cuts.js';
import { judge } from './judge.js';
import { readReference, writeReference } from './reference.js';
import { runColumn } from './runColumn.js';
import { renderPage } from './table.js';

/**
 * The whole matrix: every place times every fault, a chain to each fault. `--only FAULT` (repeatable),
 * `--write FILE` for the page; `--repeat FOLDER` goes on from the snapshot that a failing cell left, with that cell alone.
 */
const { values } = parseArgs({ options: { only: { type: 'string', multiple: true }, write: { type: 'string' }, repeat: { type: 'string' } } });
const snapshots = join(readEnvironment().cacheDirectory, 'matrix');
const say = (words: string): void => void process.stdout.write(`${words}\n`);

if (values.repeat === undefined) await measureAll();
else await repeatOne(values.repeat);

async function measureAll(): Promise<void> {
  const unknown = (values.only ?? []).filter((name) => !faults.some((fault) => fault === name));
  if (unknown.length > 0) throw new Error(`the matrix knows no fault ${unknown.join(', ')}; it knows ${faults.join('; ')}`);
  const wanted = faults.filter((fault) => values.only === undefined || values.only.includes(fault));
  say('undisturbed');
  const undisturbed = await runColumn({ name: 'matrix-undisturbed', server: 'outside', faultAt: () => undefined });
  say(`  ${undisturbed.states.join(', ')}; operations ${undisturbed.intact ? 'intact' : JSON.stringify(undisturbed.verdict)}`);
  await writeReference(join(snapshots, 'undisturbed.json'), undisturbed);
  const columns: Column[] = [];
  for (const fault of wanted) {
    say(fault);
    columns.push(await measureColumn({ fault, undisturbed, snapshots: join(snapshots, fault.replaceAll(/\W+/g, '-')), say }));
  }
  const page = renderPage(allPlaces(), columns, new Date());
  say(`\n${page}`);
  if (values.write !== undefined) await writeFile(values.write, page);
  if (!columns.every(passes)) process.exitCode = 1;
}

async function repeatOne(folder: string): Promise<void> {
  const { place, fault } = await readCut(folder);
  // Beside the columns' folders, each of which has a folder to a chain.
  const undisturbed = await readReference(join(dirname(dirname(dirname(folder))), 'undisturbed.json'));
  const name = nameOf(place);
  say(`${fault}: ${name}, from ${folder}`);
  const chain = await runColumn({
    ...{ name: 'matrix', server: serverOf(fault), durations: undisturbed.durations, from: folder },
    faultAt: (each) => (nameOf(each) === name ? fault : undefined),
    onCell: ({ resumedAfter }) => say(`  it happened${resumedAfter === undefined ? '' : `, and went on after ${(resumedAfter / 1000).toFixed(1)} s`}`),
  });
  const differing = [...judge(chain, undisturbed)];
  if (chain.cells.length === 0) differing.push('the cell did not happen');
  for (const words of differing) say(`  ${words}`);
  if (differing.length > 0) process.exitCode = 1;
}
