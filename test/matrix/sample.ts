import { createHash } from 'node:crypto';
import { faults, nameOf, type Fault, type Place } from './cells.js';

/** What a sample is drawn from, and how large it is. */
export interface SampleSettings {
  readonly places: readonly Place[];
  /** Out of that many places one is broken at; another one the next day. */
  readonly oneOf: number;
  /** A power cut takes as long as ten kills of the worker: one place in that many gets one. */
  readonly powerCutEvery: number;
}

/**
 * A sample of the matrix, the same for the same seed: some of the places, each with one fault.
 *
 * @param seed - Such as the number of the day.
 */
export function sampleOf(seed: number, { places, oneOf, powerCutEvery }: SampleSettings): ReadonlyMap<string, { readonly place: Place; readonly fault: Fault }> {
  const chosen = places.filter((_, index) => index % oneOf === seed % oneOf);
  return new Map(
    chosen.map((place, index) => {
      const light = faults.filter((fault) => !fault.startsWith('power cut') && (place.kind !== 'question' || fault !== 'worker frozen'));
      const drawn = light[draw(seed, nameOf(place)) % light.length] ?? 'worker killed during';
      return [nameOf(place), { place, fault: index % powerCutEvery === seed % powerCutEvery ? 'power cut' : drawn }];
    }),
  );
}

function draw(seed: number, name: string): number {
  return createHash('sha256').update(`${seed} ${name}`).digest().readUInt16BE();
}
