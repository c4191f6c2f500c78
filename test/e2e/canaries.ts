import { randomInt } from 'node:crypto';
import { inspect } from 'node:util';
import { createRun } from '../../src/host/processes/runner.js';
import type { Commands } from '../../src/rehearsal/guest/index.js';

/** Values that occur nowhere else, by name: where one is found, it got out. */
export type Canaries<Name extends string = string> = Readonly<Record<Name, string>>;

/** A canary in a place. */
export interface Finding {
  readonly place: string;
  readonly name: string;
  /** The file, where the place has several. */
  readonly file?: string;
}

/** Looks for canaries in places of every kind, and keeps what it finds. */
export interface CanaryScan {
  readonly findings: readonly Finding[];
  /** Text that is at hand; of a structure, every string and every byte in it. */
  readonly inData: (place: string, data: unknown) => void;
  /** Files and whole folders of a disposable host, by its own grep: nothing of a canary is written there. */
  readonly inGuest: (place: string, guest: Commands, paths: readonly string[], leftOut?: readonly string[]) => Promise<void>;
  /** Files and whole folders of this machine, raw: a disk's image is one of them. */
  readonly onMachine: (place: string, path: string) => Promise<void>;
}

const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789';
const canaryLength = 28;

/** Draws a value for each name: strong enough for a passphrase, and of characters that no format writes in another way. */
export function createCanaries<Name extends string>(names: readonly Name[]): Canaries<Name> {
  const draw = () => Array.from({ length: canaryLength }, () => alphabet[randomInt(alphabet.length)] ?? '').join('');
  return Object.fromEntries(names.map((name) => [name, draw()])) as Canaries<Name>;
}

/**
 * Every way in which a canary may stand somewhere, by halves: what was cut short or broken over two lines is found as well.
 *
 * @returns As it is, in hexadecimal, in base64 wherever it began in what was encoded, and as a buffer that was printed.
 */
export function formsOf(canary: string): readonly string[] {
  const middle = Math.floor(canary.length / 2);
  return [canary.slice(0, middle), canary.slice(middle)].flatMap((half) => {
    const bytes = Buffer.from(half);
    const hexadecimal = bytes.toString('hex');
    const printed = inspect(bytes).replace(/^<Buffer |>$/g, '');
    return [half, hexadecimal, hexadecimal.toUpperCase(), printed, [...bytes].join(','), ...base64FormsOf(bytes)];
  });
}

/** The characters that its bytes alone decide, with none, one or two bytes before it in its group of three. */
function base64FormsOf(bytes: Buffer): readonly string[] {
  return [0, 1, 2].map((before) => {
    const encoded = Buffer.concat([Buffer.alloc(before), bytes]).toString('base64');
    return encoded.slice(Math.ceil((before * 8) / 6), Math.floor(((before + bytes.length) * 8) / 6));
  });
}

/** Makes a scan for these canaries. */
export function createCanaryScan(canaries: Canaries): CanaryScan {
  const names = new Map(Object.entries(canaries).flatMap(([name, value]) => formsOf(value).map((form) => [form, name] as const)));
  const patterns = `${[...names.keys()].join('\n')}\n`;
  const findings = new Map<string, Finding>();

  function keep(finding: Finding): void {
    findings.set(JSON.stringify(finding), finding);
  }

  /** What grep prints of each match: its file, a zero, and the form that is there. */
  function keepMatches(place: string, printed: string): void {
    for (const [, file = '', form = ''] of printed.matchAll(/([^\0\n]+)\0([^\0\n]+)/g)) keep({ place, name: names.get(form) ?? form, file });
  }

  return {
    get findings() {
      return [...findings.values()];
    },
    inData(place, data) {
      const text = textsIn(data).join('\n');
      for (const [form, name] of names) if (text.includes(form)) keep({ place, name });
    },
    async inGuest(place, guest, paths, leftOut = []) {
      const { exitCode, stdout, stderr } = await guest.exec('grep', [...grepArguments, ...leftOut.map((name) => `--exclude-dir=${name}`), '--', ...paths], { input: patterns, env: { LC_ALL: 'C' } });
      keepMatches(place, stdout);
      // What came to its end meanwhile is not there any more; whatever else could not be read was not searched.
      const unread = stderr.split('\n').filter((line) => line !== '' && !line.endsWith('No such file or directory'));
      if (unread.length > 0 || exitCode > 2) throw new Error(`${place} was not searched in full (status ${exitCode}): ${unread.slice(0, 5).join('; ')}`);
    },
    async onMachine(place, path) {
      // Lines that end in zeros: holes of a disk are skipped, and none is as long as a disk.
      const { stdout } = await createRun()('grep', [...grepArguments, '--null-data', '--', path], { input: patterns, env: { LC_ALL: 'C' }, timeout: 'service', answers: [0, 1] });
      keepMatches(place, stdout);
    },
  };
}

const grepArguments = ['--recursive', '--text', '--only-matching', '--with-filename', '--null', '--fixed-strings', '--devices=skip', '--file=-'];

/** Every string of a structure, and all bytes as text; a payload of a history is bytes. */
function textsIn(data: unknown): readonly string[] {
  if (typeof data === 'string') return [data];
  if (data instanceof Uint8Array) return [Buffer.from(data).toString('latin1')];
  if (data instanceof Map) return textsIn([...(data as Map<unknown, unknown>)]);
  if (typeof data !== 'object' || data === null) return [];
  return Object.entries(data).flatMap(([key, value]) => [key, ...textsIn(value)]);
}
