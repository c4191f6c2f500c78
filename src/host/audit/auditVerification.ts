import { readFile } from 'node:fs/promises';
import { chainOf, parseAuditLine } from './auditLine.js';

/** Whether each line of an audit log follows from the one before. */
export type AuditVerification =
  | {
      readonly intact: true;
      readonly lines: number;
      /** Of the last line; compared with the one in a run record it shows whether lines are missing at the end. */
      readonly lastChain: string;
    }
  | {
      readonly intact: false;
      /** The first line that is wrong, from 1. */
      readonly line: number;
      readonly reason: string;
    };

/**
 * Reads an audit log and changes nothing. A log that somebody else began, in lines without a chain,
 * is not intact.
 *
 * @throws Error where the file cannot be read.
 */
export async function verifyAuditLog(path: string): Promise<AuditVerification> {
  const { lines, torn } = splitLines(await readFile(path));
  let chain = '';
  for (const [index, line] of lines.entries()) {
    const parsed = parseAuditLine(line);
    if (parsed === undefined) return { intact: false, line: index + 1, reason: 'has no id and chain at its end' };
    const expected = chainOf(chain, parsed.text);
    if (parsed.chain !== expected) {
      return { intact: false, line: index + 1, reason: `carries chain ${parsed.chain}, but ${expected} follows from the lines up to it` };
    }
    chain = parsed.chain;
  }
  if (torn.length > 0) return { intact: false, line: lines.length + 1, reason: `breaks off after ${torn.length} bytes` };
  return { intact: true, lines: lines.length, lastChain: chain };
}

/** The complete lines as bytes in latin1, without their newlines, and what comes after the last newline. */
export function splitLines(content: Buffer): { lines: string[]; torn: string } {
  const lines = content.toString('latin1').split('\n');
  const torn = lines.pop() ?? '';
  return { lines, torn };
}
