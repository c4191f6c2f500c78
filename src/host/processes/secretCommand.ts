import { PermanentFailure } from '../../contract/errors.js';
import { toSecretLine } from '../files/secretLine.js';
import { CommandFailed, type Run } from './runner.js';

/** By a shell's custom the program was not found, or may not be executed; `env` and the runner's trampoline keep to it. */
const neverStarted: readonly (number | undefined)[] = [126, 127];

/** No secret is near that; what a program prints beyond it is counted and not kept. */
const keptBytes = 64 * 1024;

/**
 * Reads a secret of the kind `exec`: the one line that a program prints, as the command lines of 1Password
 * (`op read`), pass (`pass show`) and Vault (`vault kv get -field=…`) do. The program gets nothing on its
 * standard input, and the environment of the worker, from which such tools take their session or token:
 * put that into the worker's unit. A name without a slash is looked for on the worker's PATH, as
 * execvp(3) does. What it says on standard error is kept nowhere, since it may say anything.
 *
 * @param command - Program and arguments, from lockstep.yaml alone, which root alone may write.
 * @returns The line without its newline, in a buffer that the caller may overwrite after use.
 * @throws {@link PermanentFailure} where the program cannot be started, or prints no secret: trying again
 * does not help. Error where it fails or takes too long: a vault that is away may be back in a minute, so
 * the step is tried again before a person is asked. Neither carries arguments or output.
 */
export async function readSecretCommand(
  run: Run,
  { command: [program, ...args], timeoutSeconds }: { readonly command: readonly [program: string, ...args: string[]]; readonly timeoutSeconds: number },
): Promise<Buffer> {
  const output = collect();
  try {
    await run(program, args, { timeout: { seconds: timeoutSeconds }, onSecretOutput: output.add });
    return toSecretLine(output.read(), `what ${program} printed`, 'have it print the secret alone, on one line; then retry');
  } catch (error) {
    if (error instanceof CommandFailed) throw explainEnd(error);
    throw error;
  } finally {
    output.overwrite();
  }
}

function explainEnd(failure: CommandFailed): Error {
  const fact = `${failure.program}, which is to print a secret, ${failure.how}`;
  if (!failure.hasStarted || neverStarted.includes(failure.exitCode)) {
    return new PermanentFailure(fact, 'install it, or name it in lockstep.yaml by its absolute path; then retry');
  }
  return new Error(`${fact}; run it as root with the environment of the worker to see what it says`);
}

/** Keeps the pieces of an output until they are overwritten. */
function collect() {
  const pieces: Buffer[] = [];
  let sizeBytes = 0;
  return {
    add: (piece: Buffer): void => {
      if (sizeBytes < keptBytes) pieces.push(piece);
      else piece.fill(0);
      sizeBytes += piece.length;
    },
    read: (): Buffer => Buffer.concat(pieces),
    overwrite: (): void => pieces.forEach((piece) => void piece.fill(0)),
  };
}
