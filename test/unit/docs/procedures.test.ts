import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Command } from 'commander';
import { describe, expect, test } from 'vitest';
import { renderKeyHolders } from '../../../src/cli/docs/renderKeyHolders.js';
import { createProgram } from '../../../src/cli/program.js';
import { readRunOptions } from '../../../src/cli/runOptions.js';
import { runbookNamed, runbooks } from '../../../src/cli/runbooks.js';
import { readPage, pagesDirectory, stepsOf } from '../../pages.js';
import { fakeSession } from '../cli/fakeSession.js';

const pages = ['key-management.md', 'operational-procedures.md'] as const;
const root = new URL('../', pagesDirectory);

/** What the page has people type: in blocks, and in the middle of sentences. */
function commandsIn(page: string): readonly string[] {
  const typed = [...page.matchAll(/`([^`\n]+)`|```sh\n([\s\S]*?)```/g)].map(([, words = '', block = '']) => words || block);
  return typed.flatMap((text) => [...text.matchAll(/(?<![\w./$"{-])lockstep ([a-z][^|&;>)\n\\]*)/g)].map(([, rest = '']) => rest.trim()));
}

/** As a shell splits them; none here needs more of it. */
function wordsOf(command: string): readonly string[] {
  return [...command.matchAll(/"([^"]*)"|(\S+)/g)].map(([, quoted, plain]) => quoted ?? plain ?? '');
}

/**
 * Reads a command by the program's own parser, and runs nothing.
 *
 * @throws Error for a command, an option or a value of one that there is not.
 */
function parse(command: string): void {
  const words = [...wordsOf(command)];
  let found: Command = createProgram(fakeSession().session, '0.0.0');
  while (found.commands.length > 0) {
    const next = found.commands.find((each) => each.name() === words[0]);
    if (next === undefined) throw new Error(`there is no command "lockstep ${command}"`);
    found = next.exitOverride().configureOutput({ writeErr: () => undefined });
    words.shift();
  }
  const { operands, unknown } = found.parseOptions(words);
  if (unknown.length > 0) throw new Error(`"lockstep ${command}" has no ${unknown[0] ?? ''}`);
  const needed = found.registeredArguments.filter(({ required }) => required).length;
  const allowed = found.registeredArguments.some(({ variadic }) => variadic) ? Infinity : found.registeredArguments.length;
  if (operands.length < needed || operands.length > allowed) throw new Error(`"lockstep ${command}" takes ${needed} to ${allowed} words more`);
  const [first = ''] = operands;
  if (found.registeredArguments[0]?.name() !== 'runbook' || first === '') return;
  // Where several runs of a runbook are open, one is named by its id: HOST/rotateKey-emergency.
  const runbook = runbookNamed(first.replace(/^.*\//, '').replace(/-emergency$/, ''));
  if (found.name() === 'start') readRunOptions(runbook, found.opts());
}

test('a wrong command would be seen', () => {
  expect(commandsIn('`lockstep start x`, `sudo lockstep unlock`; `/opt/lockstep/docs`\n```sh\nlockstep people --markdown > /run/x\n```')).toEqual(['start x', 'unlock', 'people --markdown']);
  for (const wrong of ['begin migrate', 'start', 'start migrat', 'start migrate --keys both', 'start rotateKey --keys all', 'people --html', 'audit', 'audit check', 'status migrate now']) {
    expect(() => parse(wrong), wrong).toThrow();
  }
});

test.each([...pages, '../README.md', '../deploy/README.md', 'encryption-at-rest.md'])('%s has commands that there are, with options that they take', async (name) => {
  const commands = commandsIn(await readPage(name));
  expect(commands.length).toBeGreaterThan(2);
  const wrong = commands.flatMap((command) => {
    try {
      parse(command);
      return [];
    } catch (error) {
      return [`${command}: ${error instanceof Error ? error.message : String(error)}`];
    }
  });
  expect(wrong).toEqual([]);
});

describe.each(pages)('%s', (name) => {
  test('links to pages, and to headings in them, that there are', async () => {
    const links = [...(await readPage(name)).matchAll(/\]\(([^)#\s]*)(?:#([^)\s]+))?\)/g)];
    expect(links.length).toBeGreaterThan(5);
    for (const [link, path = '', heading] of links) {
      const target = new URL(path === '' ? name : path, pagesDirectory);
      expect(existsSync(fileURLToPath(target)), link).toBe(true);
      if (heading === undefined) continue;
      const page = await readPage(fileURLToPath(target));
      expect([...page.matchAll(/^#+ (.+)$/gm)].map(([, title = '']) => anchorOf(title)), link).toContain(heading);
    }
  });

  test('names files of the project that there are', async () => {
    const named = [...(await readPage(name)).matchAll(/(?<=[`\s/])((?:docs|deploy|src|test|scripts)\/[\w./-]*\w)/g)].map(([, path = '']) => path);
    expect(named.filter((path) => !existsSync(fileURLToPath(new URL(path, root))))).toEqual([]);
  });

  test('has its steps in order, one after the other', async () => {
    const numbers = [...stepsOf(await readPage(name)).keys()].map((step) => Number(step.split('-')[1]));
    expect(numbers.length).toBeGreaterThan(10);
    expect(numbers).toEqual(numbers.map((_, index) => index + 1));
  });

  test('can be read in one sitting', async () => {
    expect((await readPage(name)).split('\n').length).toBeLessThanOrEqual(250);
  });
});

test('every runbook is where somebody looks for what to do', async () => {
  const text = (await Promise.all(pages.map(readPage))).join('\n');
  expect(runbooks.map((runbook) => runbook.name).filter((runbook) => !text.includes(`(runbooks/${runbook}.md)`))).toEqual([]);
});

test('the table of key holders is what "lockstep people --markdown" makes of them', async () => {
  const holder = (name: string, role: string, operational: boolean) => ({ name, role, operational, recovery: true, mfa: true });
  const table = renderKeyHolders({ keyHolders: [holder('[Name 1]', 'Primary Admin', true), holder('[Name 2]', 'Backup Admin', true), holder('[Name 3]', 'Emergency Contact', false)] });
  expect(await readPage('key-management.md')).toContain(`<!-- key holders -->\n${table}\n<!-- end of key holders -->\n`);
});

/** As GitHub makes them of a heading. */
function anchorOf(title: string): string {
  return title.toLowerCase().replaceAll(/[^\p{L}\p{N}\s_-]/gu, '').trim().replaceAll(/\s/g, '-');
}
