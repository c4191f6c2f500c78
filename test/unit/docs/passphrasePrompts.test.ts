import { execFile } from 'node:child_process';
import { readFile, readdir } from 'node:fs/promises';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { readPage, pagesDirectory, stepsOf } from '../../pages.js';

const execute = promisify(execFile);

/** What a page has people type to be asked for a passphrase, with what it makes of that. */
async function typeInto(page: string, step: string, variable: string, line: string): Promise<string> {
  const script = [stepsOf(await readPage(page)).get(step) ?? 'exit 99', `printf '[%s]' "$${variable}"`].join('\n');
  const child = execute('bash', ['-c', script]);
  child.child.stdin?.end(line.repeat(3));
  return (await child).stdout.trim();
}

test.each([
  ['key-management.md', 'key-4', 'OPERATIONAL'],
  ['key-management.md', 'key-4', 'RECOVERY'],
  ['verification-steps.md', '0.2', 'BACKUP'],
])('%s, step %s, takes %s byte for byte', async (page, step, variable) => {
  expect(await typeInto(page, step, variable, ' "it\'s"  \\n $HOME ü \n')).toBe('[ "it\'s"  \\n $HOME ü ]');
});

test('no page takes spaces off a passphrase', async () => {
  for (const page of await readdir(pagesDirectory)) {
    if (!page.endsWith('.md')) continue;
    for (const [prompt] of (await readFile(new URL(page, pagesDirectory), 'utf8')).matchAll(/\S+ read -rs?p.*/g)) expect(prompt, page).toMatch(/^IFS= /);
  }
});

test.each([
  ['key-management.md', 'key-1'],
  ['verification-steps.md', '0.1'],
])('%s prints no argument of what should have been refused: it may be a passphrase', async (page, step) => {
  const definition = /^refused\(\) .*$/m.exec(stepsOf(await readPage(page)).get(step) ?? '')?.[0];
  const { stdout, stderr } = await execute('bash', ['-c', `${definition ?? 'exit 99'}\nrefused true canary || true`]);
  expect(stdout).toContain('WRONG');
  expect(stdout + stderr).not.toContain('canary');
});
