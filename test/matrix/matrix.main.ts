import { writeFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { median } from '../../src/activities/verdict.js';
import type { Chain } from './chain.js';
import { allPlaces, faults, nameOf, type Fault } from './cells.js';
import { judge, missingCells, readShares } from './judge.js';
import { runColumn } from './runColumn.js';
import { renderMatrix, type Column } from './table.js';

/** The whole matrix: every place times every fault, a chain to each fault. `--only FAULT` (repeatable), `--write FILE`. */
const { values } = parseArgs({ options: { only: { type: 'string', multiple: true }, write: { type: 'string' } } });
const wanted = faults.filter((fault) => values.only === undefined || values.only.includes(fault));
const places = allPlaces();
const say = (words: string): void => void process.stdout.write(`${words}\n`);

say('undisturbed');
const undisturbed = await runColumn({ name: 'matrix-undisturbed', server: 'outside', faultAt: () => undefined });
say(`  ${undisturbed.states.join(', ')}; operations ${undisturbed.intact ? 'intact' : JSON.stringify(undisturbed.verdict)}`);
const columns: Column[] = [];
for (const fault of wanted) columns.push(await measure(fault));

const table = renderMatrix(places, columns);
say(`\n${table}`);
if (values.write !== undefined) await writeFile(values.write, table);
if (columns.some(({ missing, differing }) => missing.length + differing.length > 0)) process.exitCode = 1;

async function measure(fault: Fault): Promise<Column> {
  say(fault);
  const began = performance.now();
  const onCell = ({ place, resumedAfter }: { place: Parameters<typeof nameOf>[0]; resumedAfter?: number }): void =>
    say(`  ${nameOf(place)}${resumedAfter === undefined ? '' : `: went on ${(resumedAfter / 1000).toFixed(1)} s after the worker's start`}`);
  const settings = { name: 'matrix', faultAt: () => fault, durations: undisturbed.durations, onCell };
  const chain: Chain | Error = await runColumn({ ...settings, server: fault === 'power cut, server inside' ? 'inside' : 'outside' }).catch((error: unknown) =>
    error instanceof Error ? error : new Error(String(error)),
  );
  const minutes = (performance.now() - began) / 60_000;
  if (chain instanceof Error) {
    say(`  ${chain.stack ?? chain.message}`);
    return { fault, cells: [], missing: places.map(nameOf), differing: [chain.message], shares: [], minutes };
  }
  const resumed = chain.cells.flatMap(({ resumedAfter }) => (resumedAfter === undefined ? [] : [resumedAfter / 1000]));
  const shares = readShares(chain, undisturbed);
  // A power cut empties the page cache, and whatever was in it is read again.
  const tooMuch = fault.startsWith('power cut') ? [] : shares.filter(({ holds }) => !holds).map(({ node, share }) => `${node} read ${Math.round(share * 100)} % of what an undisturbed run reads`);
  const column: Column = {
    ...{ fault, minutes, shares, cells: chain.cells, missing: missingCells(places, fault, chain.cells), differing: [...judge(chain, undisturbed), ...tooMuch] },
    ...(resumed.length === 0 ? {} : { resume: { median: median(resumed), worst: Math.max(...resumed) } }),
  };
  for (const words of [...column.missing.map((name) => `missing: ${name}`), ...column.differing]) say(`  ${words}`);
  return column;
}
