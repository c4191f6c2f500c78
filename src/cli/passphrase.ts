import { Option, type Command } from 'commander';
import { ConfigNotAtHand } from '../config/load.js';
import { passphrasePolicyOf, type PassphrasePolicy } from '../config/passphrasePolicy.js';
import { configSchema } from '../config/schema.js';
import { adviseOnNewPassphrase } from '../contract/passphrases/passphraseRules.js';
import { generatePassphrase, plannedWords } from '../host/passphrases/generatePassphrase.js';
import { judgeNewPassphrase } from '../host/passphrases/passphraseStrength.js';
import { refused } from './exit.js';
import { askUnseen } from './passphrases/askUnseen.js';
import { assertLeavesScreen, describeEntropy, showPassphrase } from './passphrases/showPassphrase.js';
import { parseWholeNumber } from './passphrases/wholeNumber.js';
import { readPipedSecret } from './readSecretLine.js';
import { loadSessionConfig, type Session } from './session.js';

interface PassphraseOptions {
  readonly words: number;
  readonly check?: true;
  readonly config?: string;
}

/** Adds `passphrase`: generates one, or judges one as a runbook would. It needs neither server nor worker. */
export function addPassphraseCommand(program: Command, session: Session): void {
  program
    .command('passphrase')
    .description('generate a passphrase of words (shown once at a terminal; printed into a pipe), or judge one')
    .addOption(new Option('--words <count>', 'how many').argParser(parseWholeNumber(6, 24)).default(plannedWords))
    .option('--check', 'judge one that is typed without echo, or the first line of a pipe')
    .option('--config <path>', 'a lockstep.yaml whose minimum counts (default: the one of this host, or its defaults)')
    .action((options: PassphraseOptions) => (options.check === true ? check(session, options) : generate(session, options.words)));
}

async function generate({ terminal }: Session, words: number): Promise<void> {
  assertLeavesScreen(terminal, 'passphrase');
  const { passphrase, bits } = await generatePassphrase(words);
  if (terminal.interactive) {
    await showPassphrase(terminal, 'passphrase', passphrase, bits);
    terminal.print(describeEntropy(passphrase, bits));
    return;
  }
  terminal.print(passphrase);
  terminal.warn(describeEntropy(passphrase, bits));
}

async function check(session: Session, options: PassphraseOptions): Promise<void> {
  const policy = await findPolicy(session, options);
  const passphrase = process.stdin.isTTY ? await askUnseen('passphrase to judge:') : await readPipedSecret(process.stdin);
  const { bits, refusal } = await judgeNewPassphrase(passphrase, policy);
  if (refusal !== undefined) throw refused(refusal);
  const advice = adviseOnNewPassphrase(passphrase);
  session.terminal.print(`It would be taken: about ${bits} bits, by a cautious estimate (at least ${policy.minimumBits}).`, ...(advice === undefined ? [] : [advice]));
}

/** Of this host where it has a lockstep.yaml that may be read; elsewhere, as on a desk, the defaults. */
async function findPolicy(session: Session, options: PassphraseOptions): Promise<PassphrasePolicy> {
  try {
    return passphrasePolicyOf((await loadSessionConfig(session, options)).config);
  } catch (error) {
    if (options.config !== undefined || !(error instanceof ConfigNotAtHand)) throw error;
    return passphrasePolicyOf(configSchema.parse({ host: 'this-host' }));
  }
}
