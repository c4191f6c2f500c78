import { CommanderError } from 'commander';
import { PermanentFailure } from '../contract/errors.js';
import { isNoAnswer, isNotFound } from '../worker/serverErrors.js';

/** What a command's exit status says to a script. */
export const exitCodes = { ok: 0, failed: 1, usage: 2, refused: 3, noAnswer: 4 } as const;

/** Ends a command with words for a person and a status of its own. */
export class CommandEnded extends Error {
  override readonly name = 'CommandEnded';

  /** @param message - The fact and the next move. */
  constructor(
    readonly exitCode: number,
    message: string,
  ) {
    super(message);
  }
}

/** What was asked for is not done, though nothing broke: the run, or the rules, said no. */
export function refused(message: string): CommandEnded {
  return new CommandEnded(exitCodes.refused, message);
}

/** Nobody is there to answer. */
export function noAnswer(message: string): CommandEnded {
  return new CommandEnded(exitCodes.noAnswer, message);
}

/** The command line does not say what it has to. */
export function wrongUsage(message: string): CommandEnded {
  return new CommandEnded(exitCodes.usage, message);
}

/** Words and status for whatever ended a command. */
export function explainEnd(error: unknown): { readonly exitCode: number; readonly words?: string } {
  // Commander has said what was wrong, or printed the help that was asked for.
  if (error instanceof CommanderError) return { exitCode: error.exitCode === 0 ? exitCodes.ok : exitCodes.usage };
  if (error instanceof CommandEnded) return { exitCode: error.exitCode, words: error.message };
  if (error instanceof PermanentFailure) return { exitCode: exitCodes.failed, words: error.message };
  if (isExitPrompt(error)) return { exitCode: exitCodes.failed, words: 'stopped asking; the run goes on, and its questions stay open' };
  if (isNotFound(error)) return { exitCode: exitCodes.failed, words: 'the server knows no such run (any more); see "lockstep status"' };
  if (isNoAnswer(error)) {
    return { exitCode: exitCodes.noAnswer, words: 'the Temporal server does not answer; see whether "lockstep up" or lockstep-server.service runs' };
  }
  return { exitCode: exitCodes.failed, words: error instanceof Error ? error.message : String(error) };
}

/** Ctrl-C while a question of @inquirer/prompts is open. */
function isExitPrompt(error: unknown): boolean {
  return error instanceof Error && error.name === 'ExitPromptError';
}
