import { readFile, writeFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { PermanentFailure } from '../../../src/contract/errors.js';
import { createRun } from '../../../src/host/processes/runner.js';
import { createSignatures } from '../../../src/host/signatures.js';
import { withDirectory } from '../needsRoot.js';

const run = createRun();
const signatures = createSignatures({ run });
const statement = '{"run":"h1/emergencyAccess","reason":"größer — ID seen"}\n';

/** Makes keys, and the file that says whose they are. */
async function withKeys(use: (keys: { readonly ann: string; readonly ben: string; readonly find: (signature: string, words?: string) => Promise<string | undefined>; readonly allow: (...lines: readonly string[]) => Promise<void>; readonly publicOf: (key: string) => Promise<string>; readonly directory: string }) => Promise<void>): Promise<void> {
  await withDirectory(async (directory) => {
    const [ann, ben, allowedSigners] = [`${directory}/ann`, `${directory}/ben`, `${directory}/allowed_signers`];
    for (const key of [ann, ben]) await run('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-C', 'test', '-f', key]);
    const publicOf = async (key: string) => (await readFile(`${key}.pub`, 'utf8')).trim();
    const allow = (...lines: readonly string[]) => writeFile(allowedSigners, `${lines.join('\n')}\n`);
    await allow(`ann@example.org ${await publicOf(ann)}`, `ben@example.org ${await publicOf(ben)}`);
    await use({ ann, ben, allow, publicOf, directory, find: (signature, words = statement) => signatures.findSigner({ allowedSigners, directory: `${directory}/kept`, statement: words, signature }) });
  });
}

test('who has signed is told by the file of allowed signers, whatever the words', () =>
  withKeys(async ({ ann, ben, find }) => {
    const signature = await signatures.sign({ key: ann, statement });
    expect(signature).toMatch(/^[A-Za-z0-9+/=]+$/);
    expect(await find(signature)).toBe('ann@example.org');
    expect(await find(await signatures.sign({ key: ben, statement }))).toBe('ben@example.org');
  }));

test('a signature serves for no other words, no other purpose and no other key', () =>
  withKeys(async ({ ann, ben, find, allow, publicOf }) => {
    const signature = await signatures.sign({ key: ann, statement });
    expect(await find(signature, statement.replace('seen', 'not seen'))).toBeUndefined();
    const { stdout } = await run('ssh-keygen', ['-Y', 'sign', '-n', 'git', '-f', ann], { input: statement });
    expect(await find(stdout.replaceAll(/-----.*-----|\s/g, ''))).toBeUndefined();
    for (const wrong of ['AAAA', `${signature.slice(0, -8)}AAAAAAA=`, signature.slice(0, 60)]) expect(await find(wrong), wrong).toBeUndefined();
    await allow(`ben@example.org ${await publicOf(ben)}`);
    expect(await find(signature)).toBeUndefined();
    await allow('');
    expect(await find(signature)).toBeUndefined();
  }));

test('one key has one name, whatever others the file has for it', () =>
  withKeys(async ({ ann, find, allow, publicOf }) => {
    const signature = await signatures.sign({ key: ann, statement });
    await allow(`ann,ben ${await publicOf(ann)}`);
    expect(await find(signature)).toBe('ann');
    await allow(`ann ${await publicOf(ann)}`, `ben ${await publicOf(ann)}`);
    expect(await find(signature)).toBe('ann');
    await allow(`ann valid-before="20200101" ${await publicOf(ann)}`);
    expect(await find(signature)).toBeUndefined();
    await allow(`ann namespaces="git" ${await publicOf(ann)}`);
    expect(await find(signature)).toBeUndefined();
  }));

test('a key that is not there is told, with what to name', () =>
  withKeys(async ({ directory }) => {
    const failing = signatures.sign({ key: `${directory}/none`, statement });
    await expect(failing).rejects.toBeInstanceOf(PermanentFailure);
    await expect(failing).rejects.toThrow(`nothing was signed with ${directory}/none: `);
  }));
