import type { Chain } from './chain.js';
import { nameOf, serverOf } from './cells.js';
import type { Course } from './courses/course.js';
import { readCut } from './cuts.js';
import { judge } from './judge.js';
import { runColumn } from './runColumn.js';

/** Which cell is repeated, and what it is held against. */
export interface RepeatSettings {
  readonly course: Course;
  /** The snapshot that was taken at its cut. */
  readonly folder: string;
  readonly undisturbed: Chain;
  /** Of the disposable host. */
  readonly name: string;
  readonly say: (words: string) => void;
}

/**
 * Goes on from the snapshot of a cell that failed, with that cell alone.
 *
 * @returns What differs from an undisturbed chain, in words; nothing where it passes.
 */
export async function repeatCell({ course, folder, undisturbed, name, say }: RepeatSettings): Promise<readonly string[]> {
  const { place, fault } = await readCut(folder);
  const cell = nameOf(place);
  say(`${cell} alone, from ${folder}`);
  const chain = await runColumn({
    ...{ course, name, server: serverOf(fault), durations: undisturbed.durations, from: folder },
    faultAt: (each) => (nameOf(each) === cell && each.kind === place.kind ? fault : undefined),
    onCell: ({ resumedAfter }) => say(`  it happened${resumedAfter === undefined ? '' : `, and went on after ${(resumedAfter / 1000).toFixed(1)} s`}`),
  });
  const differing = [...judge(chain, undisturbed), ...(chain.cells.length === 0 ? ['the cell did not happen'] : [])];
  for (const words of differing) say(`  ${words}`);
  return differing;
}
