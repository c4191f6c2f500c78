import { writeFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { PermanentFailure } from '../../../../src/contract/errors.js';
import { createRun, type CommandFailed } from '../../../../src/host/processes/runner.js';
import { readSecretCommand } from '../../../../src/host/processes/secretCommand.js';
import { withDirectory } from '../../needsRoot.js';
import { newlineTraps } from '../../newlineTraps.js';

const failures: CommandFailed[] = [];
const run = createRun({ onFailure: (failure) => failures.push(failure) });
const read = (command: readonly [string, ...string[]], timeoutSeconds = 30) => readSecretCommand(run, { command, timeoutSeconds });
const shell = (script: string, timeoutSeconds = 30) => read(['sh', '-c', script], timeoutSeconds);

async function failureOf(reading: Promise<unknown>): Promise<Error> {
  return reading.then(
    () => Promise.reject(new Error('it did not fail')),
    (error: unknown) => (error instanceof Error ? error : new Error(String(error))),
  );
}

describe('a secret that a program prints', () => {
  it.each(newlineTraps)('with %s', (_, given, becomes) =>
    withDirectory(async (directory) => {
      await writeFile(`${directory}/output`, given);
      if (typeof becomes !== 'string') {
        expect(Buffer.compare(await read(['cat', `${directory}/output`]), becomes)).toBe(0);
        return;
      }
      const failure = await failureOf(read(['cat', `${directory}/output`]));
      expect(failure).toBeInstanceOf(PermanentFailure);
      expect(failure).toHaveProperty('fact', `what cat printed ${becomes}`);
    }),
  );

  it('gets its arguments as they are, and nothing to read', async () => {
    expect((await read(['printf', '%s', '$HOME `id`'])).toString()).toBe('$HOME `id`');
    expect((await shell('if read -r line; then echo "$line"; else echo nothing; fi')).toString()).toBe('nothing');
  });

  it('is in no failure, with nothing else that the program said, and not in the log of failures', async () => {
    const failure = await failureOf(shell('echo canary; echo canary >&2; exit 3'));
    expect(failure.message).toBe('sh, which is to print a secret, exited with status 3; run it as root with the environment of the worker to see what it says');
    // A vault that is away may be back: the step is tried again.
    expect(failure).not.toBeInstanceOf(PermanentFailure);
    const logged = failures.map(({ message, stdout, stderr }) => message + stdout + stderr).join();
    expect(`${JSON.stringify(failure)}${failure.stack ?? ''}${logged}`).not.toContain('canary');
    expect(logged).toContain('sh exited with status 3');
  });

  it('cannot come from a program that is not there: trying again does not help', async () => {
    for (const command of [['no-such-program'], ['env', 'no-such-program'], ['/etc/passwd']] as const) {
      const failure = await failureOf(read(command));
      expect(failure).toBeInstanceOf(PermanentFailure);
      expect(failure.message).toContain('name it in lockstep.yaml by its absolute path');
    }
  });

  it('is waited for no longer than lockstep.yaml says', async () => {
    await expect(shell('sleep 60; true', 0.2)).rejects.toThrow('sh, which is to print a secret, took longer than its time limit and was ended');
  });

  it('is there when the program has ended, whatever that left running', async () => {
    expect((await shell('sleep 60 & echo secret')).toString()).toBe('secret');
  });

  it('is refused where it has no end, without keeping it', async () => {
    await expect(read(['head', '--bytes=1000000', '/dev/zero'])).rejects.toThrow('what head printed has a NUL byte in it');
  });
});
