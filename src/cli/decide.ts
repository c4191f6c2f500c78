import { confirm } from '@inquirer/prompts';
import type { Command } from 'commander';
import { decisionSchema, type Decision, type OpenQuestion } from '../contract/questions.js';
import { chooseQuestion, explainOutcome, sendDecision, signDecision } from './decision.js';
import { noAnswer, refused, wrongUsage } from './exit.js';
import { observe } from './observe.js';
import { commandFor, renderQuestion } from './present/questionLines.js';
import { sentence } from './present/text.js';
import { runFlag, runOption } from './runbooks.js';
import { findRun, findRunAhead } from './runs.js';
import { flagsFor, resolveHost, withHostOptions, withServer, type HostOptions, type Session } from './session.js';
import { assertSpoken } from './spoken.js';

interface DecideOptions extends HostOptions {
  readonly run?: string;
  readonly reason?: string;
  readonly by?: string;
  readonly sign?: string;
}

/** Answers that have a command of their own, with what each says. */
const answers = [
  { command: 'go', answer: 'go', says: 'answer a gate with go' },
  { command: 'no-go', answer: 'no-go', says: 'answer a gate with no-go: the run rolls back what it did' },
  { command: 'acknowledge', answer: 'acknowledged', says: 'confirm what only people can know' },
  { command: 'retry', answer: 'retry', says: 'try a failed step again' },
  { command: 'skip', answer: 'skip', says: 'leave a failed step out, where that is allowed' },
  { command: 'continue', answer: 'continue', says: 'go on where the run stands' },
  { command: 'carry-over', answer: 'carry-over', says: 'go back, and take along what users wrote on the new volume' },
  { command: 'discard-writes', answer: 'discard-writes', says: 'go back WITHOUT what users wrote on the new volume' },
  { command: 'stop', answer: 'stop', says: 'end the run where it stands, with the service as it is' },
] as const;

/** Adds the commands that answer questions: one for each common answer, and `decide` for any. */
export function addDecideCommands(program: Command, session: Session): void {
  for (const { command, answer, says } of answers) {
    withDecideOptions(program.command(`${command} [question]`).description(says)).action((question: string | undefined, options: DecideOptions) =>
      decide(session, question, answer, options),
    );
  }
  withDecideOptions(program.command('decide <question> <answer>').description('give any answer to any open question')).action(
    (question: string, answer: string, options: DecideOptions) => decide(session, question, answer, options),
  );
}

function withDecideOptions(command: Command): Command {
  return withHostOptions(command)
    .option('--reason <text>', 'why; some answers need it')
    .option('--by <name>', 'who decides, as claimed (default: you)')
    .option('--sign <key>', 'sign the answer with an SSH key, to be told apart from others of the same login')
    .addOption(runOption());
}

async function decide(session: Session, named: string | undefined, answer: string, options: DecideOptions): Promise<void> {
  const by = options.by ?? session.environment.person;
  const said = { by, ...(options.reason === undefined ? {} : { reason: options.reason }) };
  assertSpoken(said);
  const flags = flagsFor(options);
  const host = await resolveHost(session, options);
  await withServer(session, async ({ client }) => {
    const run = await findRun(client, host, options.run, { flags });
    const { status, execution } = await observe(client, run);
    if (execution !== 'RUNNING') throw refused(`${run.workflowId} has ended; nothing is to be decided`);
    if (status === undefined && named === undefined) {
      throw noAnswer(`no worker on ${host} answers, so which question is meant has to be named; "lockstep status${flags}" shows it`);
    }
    const question = status === undefined ? undefined : chooseQuestion(status.questions, answer, named);
    if (question !== undefined && named === undefined) await confirmQuestion(session, question, answer, options);
    if (question?.reasonFor.includes(answer) === true && options.reason === undefined) {
      throw refused(`"${answer}" needs a reason; add --reason "…"`);
    }
    const decision = readDecision({ question: question?.id ?? named ?? '', answer, ...said }, flags);
    const recorded = await sendDecision(client, run, options.sign === undefined ? decision : await signDecision(run, decision, options.sign));
    const after = (await observe(client, run)).status?.questions.find(({ id }) => id === decision.question);
    session.terminal.print(...sentence(explainOutcome(decision, recorded, { after, ahead: await findRunAhead(client, run), flags, run: options.run }), session.terminal));
  });
}

/** What nobody could answer so, such as an answer longer than any choice, is not sent. */
function readDecision(typed: Decision, flags: string): Decision {
  const parsed = decisionSchema.safeParse(typed);
  if (parsed.success) return parsed.data;
  throw wrongUsage(`"${typed.answer}" for "${typed.question}" is no answer to any question; "lockstep status${flags}" shows the open ones and their choices`);
}

/**
 * An answer that names no question is for the one that the person saw, which may have been answered
 * meanwhile: the question that is open now is shown before anything is sent.
 *
 * @throws CommandEnded where nobody can be asked, or the person meant another one.
 */
async function confirmQuestion({ terminal }: Session, question: OpenQuestion, answer: string, options: DecideOptions): Promise<void> {
  const flags = `${runFlag(options.run)}${flagsFor(options)}`;
  const named = commandFor(question, answer, flags);
  if (!terminal.interactive) throw wrongUsage(`name the question, so that a late answer never meets the next one: ${named}`);
  const lines = renderQuestion(question, { width: terminal.width(), now: new Date(), theme: terminal.theme, flags });
  terminal.print(...lines);
  if (!(await confirm({ message: `Answer this with "${answer}"?`, default: false }))) throw refused('nothing was sent');
}
