import { HttpFailed } from '../http.js';
import { CommandFailed } from '../processes/runner.js';
import { PermanentFailure } from '../../contract/errors.js';

/** What is sent: words for a person, and the same as data for a program. */
export interface Message {
  /** The same in every repetition: whoever gets a message twice can tell by it. */
  readonly id: string;
  /** One line. */
  readonly subject: string;
  readonly text: string;
  /** Anything that JSON can carry. */
  readonly data: object;
}

/** One way by which words leave this host. */
export interface Channel {
  /** How a person knows it, such as `mail (smtp.example.org:587)`; nothing of a secret. */
  readonly name: string;
  /**
   * Returns when the other side has taken the message.
   *
   * @param signal - Gives it up.
   * @throws {@link NotTaken} with the reason; whatever else it throws is described by {@link reasonOf}.
   */
  readonly send: (message: Message, signal: AbortSignal) => Promise<Taken>;
}

/** What the other side made of a message that it took. */
export interface Taken {
  /** What a person should know of it all the same: some of the recipients were refused. */
  readonly remark?: string;
}

/** A message that was not taken. Its words are shown and kept: a reason, and nothing of a secret. */
export class NotTaken extends Error {
  override readonly name = 'NotTaken';
}

/** Why a message was not taken. Words of other programs and libraries, which may quote what they were given, are left out. */
export function reasonOf(error: unknown): string {
  if (error instanceof HttpFailed) return error.how;
  if (error instanceof NotTaken || error instanceof PermanentFailure || error instanceof CommandFailed) return error.message;
  if (!(error instanceof Error)) return 'it failed in an unknown way';
  return 'code' in error && typeof error.code === 'string' ? `it failed (${error.code})` : `it failed (${error.name})`;
}
