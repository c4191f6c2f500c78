import { describe, expect, it } from 'vitest';
import { CommandFailed, createRun } from '../../../../src/host/processes/runner.js';

const run = createRun();

describe('the runner', () => {
  it('passes arguments as they are, without a shell', async () => {
    const result = await run('printf', ['%s|', '$HOME', 'a b', '`id`']);
    expect(result.stdout).toBe('$HOME|a b|`id`|');
  });

  it('hands secrets over on standard input and on further descriptors', async () => {
    const result = await run('sh', ['-c', 'cat; cat <&3'], { input: 'first\n', secretDescriptors: ['second'] });
    expect(result.stdout).toBe('first\nsecond');
  });

  it('keeps arguments and output out of the message of a failure', async () => {
    const failure = await run('sh', ['-c', 'echo canary >&2; exit 3', 'canary']).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(CommandFailed);
    expect((failure as CommandFailed).message).toBe('sh exited with status 3');
    expect(JSON.stringify(failure)).not.toContain('canary');
    expect((failure as CommandFailed).stderr).toBe('canary\n');
  });

  it('takes an exit code for an answer only where it is told to', async () => {
    expect((await run('false', [], { answers: [0, 1] })).exitCode).toBe(1);
    await expect(run('false', [])).rejects.toThrow('false exited with status 1');
  });

  it('says that a program is not installed', async () => {
    await expect(run('no-such-program', [])).rejects.toThrow('no-such-program is not installed on this host');
  });

  it('ends a command when its signal is aborted', async () => {
    const controller = new AbortController();
    const sleeping = run('sleep', ['60'], { signal: controller.signal });
    controller.abort();
    await expect(sleeping).rejects.toThrow('sleep was cancelled');
  });

  it('hands a secret that a program prints to one place alone, as bytes that can be overwritten', async () => {
    const pieces: Buffer[] = [];
    const result = await run('sh', ['-c', 'printf "canary\\n"; echo canary >&2'], { onSecretOutput: (piece) => pieces.push(piece) });
    expect(result).toEqual({ stdout: '', stderr: '', exitCode: 0 });
    expect(Buffer.concat(pieces).toString()).toBe('canary\n');
  });

  it('ends a command after the seconds that lockstep.yaml sets', async () => {
    await expect(run('sleep', ['60'], { timeout: { seconds: 0.1 } })).rejects.toThrow('sleep took longer than its time limit and was ended');
  });

  it('reports lines as they come, a progress line that ends in a carriage return included', async () => {
    const lines: string[] = [];
    await run('printf', ['1%%\r2%%\r\ndone'], { onLine: (line) => lines.push(line) });
    expect(lines).toEqual(['1%', '2%', 'done']);
  });
});
