import { type Command, InvalidArgumentError, Option } from 'commander';
import { z } from 'zod';
import { formatMinute } from '../contract/facts.js';
import { runOptions, type RunOption, type RunOptionName } from '../contract/inputs.js';
import type { Runbook } from '../workflows/engine/nodes.js';
import { wrongUsage } from './exit.js';
import { runbooks } from './runbooks.js';

/** What was typed of them; absent where it was not. */
export type TypedRunOptions = Partial<Record<RunOptionName, unknown>>;

/** Adds the options that some runbook takes, each with the runbooks that do. */
export function withRunOptions(command: Command): Command {
  for (const option of runOptions) {
    const takers = runbooks.filter(({ takes = [] }) => takes.includes(option.name)).map(({ name }) => name);
    if (takers.length > 0) command.addOption(toCommanderOption(option, `${takers.join(', ')}: ${option.description}`));
  }
  return command;
}

/**
 * What was typed for a runbook, as its input takes it.
 *
 * @throws CommandEnded where the runbook does not take one that was typed.
 */
export function readRunOptions({ name, takes = [] }: Pick<Runbook<never>, 'name' | 'takes'>, typed: TypedRunOptions): TypedRunOptions {
  const given = runOptions.filter((option) => typed[option.name] !== undefined);
  const wrong = given.find((option) => !takes.includes(option.name));
  if (wrong !== undefined) {
    const known = runOptions.filter((option) => takes.includes(option.name)).map((option) => `--${toWords(option.name)}`);
    throw wrongUsage(`${name} takes no --${toWords(wrong.name)}; it takes ${known.length === 0 ? 'none of these options' : known.join(', ')}`);
  }
  return Object.fromEntries(given.map((option) => [option.name, typed[option.name]]));
}

function toCommanderOption({ name, choices }: RunOption, description: string): Option {
  const flag = `--${toWords(name)}`;
  if (choices === undefined) return new Option(flag, description);
  if (choices === 'number') return new Option(`${flag} <number>`, description).argParser(readWholeNumber);
  if (choices === 'time') return new Option(`${flag} <time>`, description).argParser(readTime);
  return new Option(`${flag} <which>`, description).choices(choices);
}

function readWholeNumber(text: string): number {
  const number = Number(text);
  if (!/^\d+$/.test(text) || number < 1) throw new InvalidArgumentError('Expected a whole number, 1 or more.');
  return number;
}

/** What people write of a time, to the minute or the second; without a zone it is this machine's own. */
const writtenTime = z.union([z.iso.datetime({ offset: true, local: true }), z.iso.datetime({ offset: true, local: true, precision: -1 })]);

function readTime(text: string): string {
  const { success, data } = writtenTime.safeParse(text.trim().replace(' ', 'T').toUpperCase());
  if (!success) throw new InvalidArgumentError('Expected a time, such as "2026-03-01 02:15", or "2026-03-01T02:15Z" in UTC.');
  const time = new Date(data);
  if (time.getTime() > Date.now()) throw new InvalidArgumentError(`${formatMinute(time.toISOString())} has not come yet.`);
  return time.toISOString();
}

/** `newDeployment` is typed as `--new-deployment`. */
function toWords(name: RunOptionName): string {
  return name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}
