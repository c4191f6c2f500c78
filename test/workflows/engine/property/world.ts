import { ApplicationFailure } from '@temporalio/common';
import type { Call } from '../../../../src/contract/calls.js';
import { signalNames } from '../../../../src/contract/names.js';
import type { RunResult } from '../../../../src/contract/status.js';
import { noWayBackStep } from './description.js';
import { type Attempted, createHostModel } from './hostModel.js';
import { createPerson } from './person.js';
import { createRules, type Sent } from './rules.js';
import type { Interruption, Loss, RunKind, Scenario } from './scenario.js';
import type { Server, ServedRun } from './server.js';

/** A server, with everything that a scenario brings. */
export interface World {
  /** @returns What each of its runs came to. @throws where a rule was broken, with what happened. */
  readonly run: (scenario: Scenario) => Promise<readonly Ended[]>;
  readonly stop: () => Promise<void>;
}

/** How a run ended; one that is refused claims to have found nothing to take up. */
export interface Ended {
  readonly kind: RunKind;
  readonly state: RunResult['state'] | 'lost' | 'refused';
}

const alerting = 'alertPeople';

export function createWorld(server: Server): World {
  async function run(scenario: Scenario): Promise<readonly Ended[]> {
    const log: string[] = [];
    const sent: Sent[] = [];
    const replies = [...scenario.replies];
    const losses = [...scenario.losses];
    const chance = randomFrom(scenario.chance);
    const rules = createRules(scenario, sent);
    const host = createHostModel(scenario, (attempt, model) => rules.before(attempt, model));

    async function runOnce(kind: RunKind): Promise<{ readonly result?: RunResult; readonly loss?: Loss }> {
      let fail: (error: unknown) => void = () => undefined;
      const problem = new Promise<never>((_, reject) => (fail = reject));
      let loss: Loss | undefined;
      host.begin(kind);
      const run = host.runNumber;
      log.push(`a run starts: ${kind}`);
      const person = createPerson(scenario, {
        run,
        kind,
        sent,
        replies,
        hesitate: async () => (await serving).hesitate(),
        send: async (decision) => (await serving).signal(signalNames.decide, decision),
        isOnTheWayBack: () => host.attempts.some((attempt) => attempt.run === run && attempt.what === 'beginWayBack'),
        log: (line) => log.push(line),
        opened: (question) => rules.asked(question, host),
        failed: (error) => fail(error),
      });

      async function interrupt(served: ServedRun, what: Interruption): Promise<void> {
        log.push(`meanwhile: ${what}`);
        if (what === 'rollback') return served.signal(signalNames.rollback, person.rollback());
        if (what === 'malformed rollback') return served.signal(signalNames.rollback, { by: 'nobody' });
        if (what === 'malformed decision') return served.signal(signalNames.decide, 'go');
        if (what === 'reboot') return served.signal(signalNames.resumed, { bootId: `boot-${log.length}` });
        await served.cancel();
      }

      async function arrive(name: string, call: Call, args: unknown): Promise<void> {
        if (name === alerting) return;
        const served = await serving;
        const atCall = host.attempts.length + 1;
        if ((losses[0]?.atCall ?? Infinity) <= atCall) {
          loss = losses.shift();
          await host.actAlone(name, call, args, loss?.leaves ?? 'done');
          tell(host.attempts.at(-1));
          log.push('the server has lost the run');
          return served.lose();
        }
        for (const { what } of scenario.interruptions.filter((each) => each.atCall === atCall)) await interrupt(served, what);
      }

      function tell(attempt: Attempted | undefined): void {
        log.push(`host: ${attempt?.what}, opening ${attempt?.opening}: ${attempt?.fault ?? 'done'}`);
      }

      const serving = server.start(
        kind === 'back' ? 'generatedBack' : 'generated',
        [scenario.runbook, { host: 'host', startedBy: 'starter', ...(kind === 'first' ? {} : kind === 'resumed' ? { resume: true } : { takeOver: true }) }],
        {
          hear: person.hear,
          arrive,
          async act(name, call, args, cutOff) {
            // Beside the run: whether people can be reached changes nothing of it.
            if (name === alerting && call.node.length % 2 === 0) throw ApplicationFailure.nonRetryable('nobody can be reached');
            if (name === alerting) return undefined;
            if (loss !== undefined) throw new Error('the server has lost the run');
            try {
              return await host.act(name, call, args, cutOff);
            } finally {
              tell(host.attempts.at(-1));
            }
          },
        },
        chance,
      );
      const served = await serving;
      for (const decision of person.early()) await served.signal(signalNames.decide, decision);
      const result = await Promise.race([served.result(), problem]).catch((error: unknown) => {
        if (kind === 'first' || host.attempts.at(-1)?.what !== 'openRun') throw error;
        log.push(`refused: ${String(error)}`);
        return undefined;
      });
      log.push(result === undefined ? 'no result' : `${result.state}: ${result.outcome}`);
      rules.atEnd(result, host, person.open());
      return { ...(result === undefined ? {} : { result }), ...(loss === undefined ? {} : { loss }) };
    }

    const ended: Ended[] = [];
    try {
      for (let kind: RunKind | undefined = 'first'; kind !== undefined; ) {
        const { result, loss } = await runOnce(kind);
        ended.push({ kind, state: result?.state ?? (loss === undefined ? 'refused' : 'lost') });
        kind = nextKind(scenario, kind, result, loss);
      }
      if (rules.broken.length > 0) throw new Error('rules are broken');
      return ended;
    } catch (error) {
      const facts = [...new Set([...rules.broken, String(error)])];
      throw new Error([...facts.map((fact) => `BROKEN: ${fact}`), ...log.map((line) => `  ${line}`)].join('\n'), { cause: error });
    } finally {
      await host.remove();
    }
  }

  return { run, stop: () => server.stop() };
}

/** What a person starts after a run. */
function nextKind(scenario: Scenario, kind: RunKind, result: RunResult | undefined, loss: Loss | undefined): RunKind | undefined {
  // There nothing is to be undone: a person goes on, or leaves it.
  if (noWayBackStep(scenario.runbook) !== undefined) return loss === undefined ? undefined : 'resumed';
  if (loss !== undefined) return kind === 'back' ? 'back' : loss.then;
  if (kind === 'back') return undefined;
  // One that cannot go on says that the way back is left.
  if (result === undefined) return 'back';
  return scenario.goesBackAfterwards ? 'back' : undefined;
}

/** The same numbers for the same beginning (mulberry32). */
function randomFrom(beginning: number): () => number {
  let state = beginning | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}
