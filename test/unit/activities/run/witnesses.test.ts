import { chmod, readFile, readdir, writeFile } from 'node:fs/promises';
import { beforeAll, expect, test } from 'vitest';
import { describeDistinctness, describeSigner } from '../../../../src/activities/run/witnesses.js';
import type { RecordedDecision } from '../../../../src/contract/questions.js';
import { statementOf } from '../../../../src/contract/signatures.js';
import { createRun } from '../../../../src/host/processes/runner.js';
import { createSignatures } from '../../../../src/host/signatures.js';
import { assertRoot, withDirectory } from '../../needsRoot.js';
import { createAttempt } from '../attempt.js';

beforeAll(() => assertRoot('the allowed signers have to belong to root'));

const run = createRun();
const signatures = createSignatures({ run });
const decided = (by: string, more: Partial<RecordedDecision> = {}): RecordedDecision => ({ at: '2026-11-01T20:00:00.000Z', question: 'witnesses', answer: 'go', by, reason: 'ID seen', outcome: 'counted', ...more });

/** Two people with a key each, who share a login. */
async function onHost(use: (host: { readonly attempt: ReturnType<typeof createAttempt>; readonly sign: (key: string, by: string, more?: Partial<RecordedDecision>, runId?: string) => Promise<RecordedDecision>; readonly allowedSigners: string; readonly directory: string }) => Promise<void>): Promise<void> {
  await withDirectory(async (directory) => {
    const allowedSigners = `${directory}/allowed_signers`;
    const lines: string[] = [];
    for (const name of ['ann', 'ben']) {
      await run('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', `${directory}/${name}`]);
      lines.push(`${name}@example.org ${await readFile(`${directory}/${name}.pub`, 'utf8')}`);
    }
    await writeFile(allowedSigners, lines.join(''));
    const attempt = createAttempt({ directory, config: { signatures: { allowedSigners } }, tools: { signatures } });
    const sign = async (key: string, by: string, more: Partial<RecordedDecision> = {}, runId = attempt.call.runId) => {
      const decision = decided(by, { login: 'admin@db1', ...more });
      return { ...decision, signature: await signatures.sign({ key: `${directory}/${key}`, statement: statementOf({ ...decision, workflowId: attempt.call.workflowId, runId }) }) };
    };
    await use({ attempt, sign, allowedSigners, directory });
  });
}

test('two who share a login are told apart by their signatures', () =>
  onHost(async ({ attempt, sign }) => {
    const [ann, ben] = [await sign('ann', 'ann'), await sign('ben', 'ben')];
    expect(await describeDistinctness(attempt, [ann, ben])).toBe('They are distinct by their signatures: ann@example.org, ben@example.org.');
    expect(await describeSigner(attempt, ann)).toEqual({ signer: 'ann@example.org' });
  }));

test('one key under two names is one person, and so is a name alone', () =>
  onHost(async ({ attempt, sign }) => {
    const ann = await sign('ann', 'ann');
    expect(await describeDistinctness(attempt, [ann, await sign('ann', 'ben')])).toBe('Distinctness not shown: their names are as they were claimed.');
    expect(await describeDistinctness(attempt, [ann, decided('ben')])).toContain('Distinctness not shown');
    expect(await describeDistinctness(attempt, [ann])).toContain('Distinctness not shown');
    expect(await describeSigner(attempt, decided('ben'))).toEqual({});
  }));

test('logins that differ need no signature', () =>
  onHost(async ({ attempt }) => {
    expect(await describeDistinctness(attempt, [decided('ann', { login: 'ann@db1' }), decided('ben', { login: 'ben@db1' })])).toBe('They are distinct by their login users.');
  }));

test('a signature of another run, or under other words, shows nothing', () =>
  onHost(async ({ attempt, sign }) => {
    const [ann, ben] = [await sign('ann', 'ann'), await sign('ben', 'ben', {}, 'run-0')];
    const words = 'Distinctness not shown: their names are as they were claimed (signatures: it is of no allowed signer, or of other words).';
    expect(await describeDistinctness(attempt, [ann, ben])).toBe(words);
    for (const more of [{ by: 'eve' }, { reason: 'nobody seen' }, { question: 'witnesses.2' }, { answer: 'no-go' }]) {
      expect(await describeSigner(attempt, { ...ann, ...more }), JSON.stringify(more)).toEqual({ signature: 'not shown: it is of no allowed signer, or of other words' });
    }
  }));

test('signers that others could write, and none at all, are told and stop nothing', () =>
  onHost(async ({ attempt, sign, allowedSigners, directory }) => {
    const ann = await sign('ann', 'ann');
    await chmod(allowedSigners, 0o666);
    expect((await describeSigner(attempt, ann))['signature']).toContain(`${allowedSigners} is not safe to trust`);
    expect(await describeSigner(createAttempt({ directory, tools: { signatures } }), ann)).toEqual({ signature: 'not shown: lockstep.yaml names no signatures.allowedSigners' });
    const missing = createAttempt({ directory, config: { signatures: { allowedSigners: `${directory}/none` } }, tools: { signatures } });
    expect(await describeSigner(missing, ann)).toEqual({ signature: `not shown: ${directory}/none does not exist` });
  }));

test('statement and signature are kept beside each other, as ssh-keygen takes them', () =>
  onHost(async ({ attempt, sign, allowedSigners, directory }) => {
    await describeSigner(attempt, await sign('ann', 'ann'));
    const [statement = '', signature = ''] = (await readdir(`${directory}/signatures`)).sort();
    const { stdout } = await run('ssh-keygen', ['-Y', 'verify', '-f', allowedSigners, '-I', 'ann@example.org', '-n', 'lockstep-decision', '-s', `${directory}/signatures/${signature}`], { input: await readFile(`${directory}/signatures/${statement}`) });
    expect(stdout).toContain('Good "lockstep-decision" signature for ann@example.org');
  }));
