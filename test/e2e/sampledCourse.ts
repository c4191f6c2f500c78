import { expect } from 'vitest';
import type { Chain } from '../matrix/chain.js';
import { nameOf } from '../matrix/cells.js';
import type { Course } from '../matrix/courses/course.js';
import { repeatedEvents } from '../matrix/hostState.js';
import { allPlaces } from '../matrix/places.js';
import { runColumn } from '../matrix/runColumn.js';
import { sampleOf, type SampleSettings } from '../matrix/sample.js';

/** Another sample each day; LOCKSTEP_SAMPLE_SEED repeats that of a day. */
const seed = Number(process.env['LOCKSTEP_SAMPLE_SEED'] ?? Math.floor(Date.now() / 86_400_000));

/**
 * Runs a course with the day's sample of the matrix, and expects of it what holds without an undisturbed one beside it.
 *
 * @param name - Of the disposable host.
 */
export async function runSampled(name: string, course: Course, size: Omit<SampleSettings, 'places'>): Promise<Chain> {
  const say = (words: string): void => void process.stderr.write(`${name}: ${words}\n`);
  say(`the sample is that of LOCKSTEP_SAMPLE_SEED=${seed}; the whole is npm run matrix`);
  const sample = sampleOf(seed, { places: allPlaces(course), ...size });
  const chain = await runColumn({
    ...{ course, name, server: 'outside' },
    faultAt: (place) => {
      const drawn = sample.get(nameOf(place));
      return drawn?.place.kind === place.kind ? drawn.fault : undefined;
    },
    onCell: ({ place, fault, resumedAfter }) => say(`${nameOf(place)}: ${fault}${resumedAfter === undefined ? '' : `, went on after ${(resumedAfter / 1000).toFixed(1)} s`}`),
  });
  expect(chain.failures).toEqual([]);
  expect(chain.cells.map(({ place }) => nameOf(place)).toSorted()).toEqual([...sample.keys()].toSorted());
  expect(chain.states).toEqual(course.runs.map(({ ends }) => ends));
  expect(chain.intact, JSON.stringify(chain.verdict)).toBe(true);
  for (const { parts, events } of chain.hostStates) {
    expect(repeatedEvents(events)).toEqual([]);
    expect(parts['leftovers']).not.toMatch(/claimed|partial|lockstep-restore/);
  }
  return chain;
}
