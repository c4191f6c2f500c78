import { LineCounter, isMap, isScalar, isSeq, parseDocument, visit, type Document, type Node } from 'yaml';
import { PermanentFailure } from '../contract/errors.js';
import { describeIssue } from './problems.js';
import { configSchema, type Config } from './schema.js';
import { childrenOf, optionsOf, type Schema } from './schemaTree.js';

/**
 * Reads the text of lockstep.yaml strictly: no key twice, none that is not known, no tags, no
 * aliases. A section with nothing under it counts as absent, so that the sample can be filled in line by line.
 *
 * @param path - The file's name, for the messages.
 * @throws {@link PermanentFailure} that lists every problem at once, each with its line.
 */
export function parseConfig(text: string, path: string): Config {
  const lines = new LineCounter();
  // Pretty errors quote the source, which may hold a secret where only a reference belongs.
  const document = parseDocument(text, { prettyErrors: false, lineCounter: lines });
  const faults = findSyntaxFaults(document).map(({ message, at }) => {
    const { line, col } = lines.linePos(at);
    return `line ${line}, column ${col}: ${message}`;
  });
  if (faults.length > 0) throw refuse(path, faults, 'correct the YAML there');

  const value = withoutEmptySections(configSchema, document.toJS() ?? {});
  const parsed = configSchema.safeParse(value);
  if (parsed.success) return parsed.data;
  const problems = parsed.error.issues
    .flatMap((issue) => describeIssue(configSchema, value, issue))
    .map((problem) => ({ ...problem, line: findLine(document, lines, problem.path) }))
    .sort((one, other) => one.line - other.line)
    .map(({ text: problem, line }) => `${problem} (line ${line})`);
  throw refuse(path, problems, 'correct the file; docs/lockstep.sample.yaml shows every key with its default');
}

function refuse(path: string, problems: readonly string[], nextMove: string): PermanentFailure {
  const count = problems.length === 1 ? 'a problem' : `${problems.length} problems`;
  return new PermanentFailure(`${path} has ${count}:\n${problems.map((problem) => `  ${problem}`).join('\n')}`, nextMove);
}

function findSyntaxFaults(document: Document.Parsed): { message: string; at: number }[] {
  const faults = [...document.errors, ...document.warnings].map((error) => ({
    message: syntaxMessages[error.code] ?? error.message,
    at: error.pos[0],
  }));
  visit(document, {
    Alias: (_, alias) => void faults.push({ message: 'an alias; write the value out', at: alias.range?.[0] ?? 0 }),
  });
  return faults;
}

/** Where the library's own words speak to programmers. */
const syntaxMessages: Readonly<Record<string, string>> = {
  DUPLICATE_KEY: 'the same key stands twice in one section',
  MULTIPLE_DOCS: 'a second document begins; one file holds one',
  TAB_AS_INDENT: 'a tab as indentation; use spaces',
};

function withoutEmptySections(schema: Schema, value: unknown): unknown {
  const children = childrenOf(schema);
  if (children === undefined || typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  const entries = Object.entries(value).flatMap(([key, child]: [string, unknown]) => {
    const childSchema = children.get(key);
    if (childSchema === undefined) return [[key, child] as const];
    const isSection = childrenOf(childSchema) !== undefined && optionsOf(childSchema).length === 1;
    return isSection && child === null ? [] : [[key, withoutEmptySections(childSchema, child)] as const];
  });
  return Object.fromEntries(entries);
}

/** The line of the deepest part of the path that is written in the file. */
function findLine(document: Document.Parsed, lines: LineCounter, path: readonly PropertyKey[]): number {
  let node: unknown = document.contents;
  let offset = document.contents?.range[0] ?? 0;
  for (const key of path) {
    if (isMap(node)) {
      const pair = node.items.find((item) => isScalar(item.key) && String(item.key.value) === String(key));
      offset = (pair?.key as Node | undefined)?.range?.[0] ?? offset;
      node = pair?.value;
    } else if (isSeq(node)) {
      node = node.items[Number(key)];
      offset = (node as Node | undefined)?.range?.[0] ?? offset;
    }
  }
  return lines.linePos(offset).line;
}
