import type { ChannelSettings } from '../../config/alertsSchema.js';
import type { Run } from '../processes/runner.js';
import { NotTaken, type Channel } from './channel.js';

/** A program of the host, as lockstep.yaml names it. */
export type CommandSettings = Extract<ChannelSettings, { kind: 'command' }>;

/** Starts a program that gets the message's data as JSON on its standard input, for 30 s at most; exit status 0 takes it. */
export function createCommandChannel({ command }: CommandSettings, { run }: { readonly run: Run }): Channel {
  const [program = '', ...args] = command;
  return {
    name: `command (${program})`,
    async send({ data }, signal) {
      if (program === '') throw new NotTaken('names no program');
      await run(program, args, { input: `${JSON.stringify(data)}\n`, timeout: 'quick', signal });
      return {};
    },
  };
}
