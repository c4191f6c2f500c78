import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { Option, type Command } from 'commander';
import { createOutbox, givenUp, type Addressee, type Delivery, type Outbox } from '../activities/index.js';
import type { Config } from '../config/schema.js';
import { severities, type Severity } from '../contract/alerts.js';
import { formatCountOf, formatSeconds } from '../contract/facts.js';
import { createChannels } from '../host/channels/channels.js';
import { CommandEnded, exitCodes } from './exit.js';
import { noChannel, renderAlerts } from './present/alertLines.js';
import { wrapHanging } from './present/text.js';
import { assertRoot } from './root.js';
import { configFlag, loadSessionConfig, type HostOptions, type Session } from './session.js';

interface AlertsOptions extends Pick<HostOptions, 'config'> {
  readonly test?: boolean;
  readonly acknowledge?: boolean;
  readonly json?: boolean;
}

/** How long a test waits for a channel; the worker looks every 5 s, and a mail server may take its time. */
const patienceSeconds = 30;

/** Adds `alerts`: what people were told, what has not reached them, and whether anything would. */
export function addAlertsCommand(program: Command, session: Session): void {
  program
    .command('alerts')
    .description('show the alerts of this host, those that have not got out first (needs root)')
    .option('--test', 'raise an alert that means nothing, and tell for each channel whether it got out')
    .addOption(new Option('--acknowledge', 'say that you have read those that were given up: "status" tells of them no more').conflicts('test'))
    .option('--json', 'as JSON, for programs')
    .option('--config <file>', 'lockstep.yaml (default: LOCKSTEP_CONFIG, or /etc/lockstep/lockstep.yaml)')
    .action(async (options: AlertsOptions) => {
      const flags = configFlag(options.config);
      assertRoot(`lockstep alerts${options.test === true ? ' --test' : ''}${options.acknowledge === true ? ' --acknowledge' : ''}${flags}`);
      const { config } = await loadSessionConfig(session, options);
      const outbox = createOutbox(config.stateDirectory);
      const channels = createChannels(config.alerts.channels);
      if (options.test === true) await testChannels(session, { config, outbox, channels, flags });
      else if (options.acknowledge === true) await acknowledge(session, outbox);
      else await showAlerts(session, { outbox, channels, flags, isJson: options.json === true });
    });
}

async function showAlerts(
  { terminal }: Session,
  { outbox, channels, flags, isJson }: { readonly outbox: Outbox; readonly channels: readonly Addressee[]; readonly flags: string; readonly isJson: boolean },
): Promise<void> {
  const contents = await outbox.read();
  if (isJson) terminal.print(JSON.stringify({ channels: channels.map(({ name }) => name), ...contents }, null, 2));
  else terminal.print(...renderAlerts(contents, channels, { width: terminal.width(), theme: terminal.theme, now: new Date(), flags }));
}

/** Nothing is removed: they stay in the list for as long as every alert does. */
async function acknowledge({ terminal, environment }: Session, outbox: Outbox): Promise<void> {
  const lost = givenUp((await outbox.read()).entries);
  for (const { alert } of lost) {
    const { failure } = await outbox.change(alert.id, (entry) => ({ ...entry, acknowledged: { at: new Date().toISOString(), by: environment.person } }));
    if (failure !== undefined) throw failure instanceof Error ? failure : new Error(`the alert ${alert.id} could not be written`);
    terminal.print(...wrapHanging('✔ ', `${alert.at.slice(0, 16).replace('T', ' ')} UTC: ${alert.subject}`, terminal.width()));
  }
  terminal.print(lost.length === 0 ? 'No alert was given up, or all of them were read.' : `${formatCountOf(lost.length, 'alert was', 'alerts were')} given up, and read by ${environment.person} now.`);
}

interface Test {
  readonly config: Config;
  readonly outbox: Outbox;
  readonly channels: readonly Addressee[];
  readonly flags: string;
}

/** The worker sends it, as it sends every alert: what is tested is the whole way. */
async function testChannels(session: Session, { config, outbox, channels, flags }: Test): Promise<void> {
  const { terminal } = session;
  const { theme } = terminal;
  if (channels.length === 0) throw new CommandEnded(exitCodes.failed, noChannel(flags));
  const severity = mildestForAll(channels);
  const id = `test/${randomUUID()}`;
  const { failure } = await outbox.raise({
    id,
    at: new Date().toISOString(),
    severity,
    subject: 'a test of the alerts; nothing is to be done',
    text: `${session.environment.person} typed "lockstep alerts --test" on ${config.host}, to see whether alerts arrive. This one did.`,
    host: config.host,
  });
  if (failure !== undefined) throw failure instanceof Error ? failure : new Error('the test alert could not be written');
  const say = (sign: string, words: string): void => terminal.print(...wrapHanging(`${sign} `, words, terminal.width()));
  for (const { name } of channels.filter(({ takes }) => !takes(severity))) say(theme.dim('–'), `${name}: is not for ${severity} alerts; not tried`);
  terminal.print(theme.dim(`waiting up to ${patienceSeconds} s for the worker to send a test alert (${severity})`));
  const waiting = new Set(channels.filter(({ takes }) => takes(severity)).map(({ name }) => name));
  const asked = waiting.size;
  const began = performance.now();
  const elapsedSeconds = (): number => (performance.now() - began) / 1000;
  let allTaken = true;
  while (waiting.size > 0 && elapsedSeconds() < patienceSeconds) {
    await sleep(250);
    for (const [name, delivery] of await readDeliveries(outbox, id)) {
      if (!waiting.delete(name)) continue;
      allTaken &&= delivery.takenAt !== undefined;
      if (delivery.takenAt === undefined) say(theme.bad('✖'), `${name}: ${delivery.reason ?? 'not taken'}`);
      else say(theme.good('✔'), `${name}: taken after ${formatSeconds(elapsedSeconds())}${delivery.remark === undefined ? '' : `; ${delivery.remark}`}`);
    }
  }
  for (const name of waiting) say(theme.bad('✖'), `${name}: no answer after ${patienceSeconds} s`);
  if (allTaken && waiting.size === 0) return;
  // Nobody wants to hear of a test for days.
  await outbox.remove(id);
  throw new CommandEnded(
    exitCodes.failed,
    waiting.size === asked
      ? 'no worker has sent the test alert; start one with "lockstep worker" or "lockstep up", or look whether lockstep-worker.service runs'
      : 'the test alert did not get out everywhere; mend the channel or what lockstep.yaml says of it (the worker reads it anew), then test again',
  );
}

/** Everybody gets it, and nobody is woken where that can be avoided. */
function mildestForAll(channels: readonly Addressee[]): Severity {
  return severities.find((severity) => channels.every(({ takes }) => takes(severity))) ?? 'critical';
}

async function readDeliveries(outbox: Outbox, id: string): Promise<readonly (readonly [string, Delivery])[]> {
  const { entries } = await outbox.read();
  return Object.entries(entries.find(({ alert }) => alert.id === id)?.channels ?? {});
}
