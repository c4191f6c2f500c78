import { InvalidArgumentError } from 'commander';

/** A parser of an option that is a count within limits. */
export function parseWholeNumber(least: number, most: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (!/^\d+$/.test(text) || value < least || value > most) throw new InvalidArgumentError(`It is a whole number from ${least} to ${most}.`);
    return value;
  };
}
