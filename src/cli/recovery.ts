import { Option, type Command } from 'commander';
import { ConfigNotAtHand } from '../config/load.js';
import { generatePassphrase } from '../host/passphrases/generatePassphrase.js';
import { askFromShares, askFromSheet, askTwice } from './passphrases/askFromPaper.js';
import { assertLeavesScreen, describeEntropy, showPassphrase } from './passphrases/showPassphrase.js';
import { parseWholeNumber } from './passphrases/wholeNumber.js';
import { readPipedSecret } from './readSecretLine.js';
import { loadSessionConfig, type Session } from './session.js';
import { deliverSheets, type Delivery } from './sheets/deliverSheets.js';
import type { SheetSubject } from './sheets/sheet.js';

interface PaperOptions extends Delivery {
  readonly generate?: true;
  readonly config?: string;
  readonly uuid?: string;
}

/** Adds what puts a recovery passphrase onto paper and reads it back. None of them needs a server or a worker. */
export function addRecoveryCommands(program: Command, session: Session): void {
  const { terminal } = session;
  withPaperOptions(program.command('recovery-sheet').description('make a sheet of the recovery passphrase: shown at a terminal, a page into a pipe'))
    .option('--check', 'type a sheet line by line: each code is checked, and nothing is shown or kept')
    .action(async (options: PaperOptions & { readonly check?: true }) => {
      if (options.check === true) {
        await askFromSheet(terminal);
        terminal.print('Every line of the sheet fits its code, and the whole fits its own.');
        return;
      }
      const { makeRecoverySheet } = await import('./sheets/sheet.js');
      await deliverSheets(terminal, [makeRecoverySheet(await readPassphrase(session, options), await readSubject(session, options))], options);
    });
  withPaperOptions(program.command('split-recovery').description('split the recovery passphrase among holders: a sheet for each'))
    .addOption(new Option('--shares <count>', 'how many holders').argParser(parseWholeNumber(2, 12)).default(5))
    .addOption(new Option('--threshold <count>', 'how many of them are needed').argParser(parseWholeNumber(2, 12)).default(3))
    .action(async (options: PaperOptions & { readonly shares: number; readonly threshold: number }) => {
      const { splitPassphrase } = await import('../host/passphrases/recoveryShares.js');
      const { makeShareSheet } = await import('./sheets/sheet.js');
      const shares = await splitPassphrase(await readPassphrase(session, options), options);
      const subject = await readSubject(session, options);
      await deliverSheets(
        terminal,
        shares.map((share) => makeShareSheet(share, subject)),
        options,
      );
      terminal.warn(`Every way of joining ${options.threshold} of the ${options.shares} shares was tried, and gave the passphrase.`);
    });
  program
    .command('combine-shares')
    .description('join the shares of a recovery passphrase: shown once at a terminal, printed into a pipe')
    .action(async () => {
      assertLeavesScreen(terminal, 'recovery passphrase');
      const passphrase = await askFromShares(terminal);
      if (terminal.interactive) await showPassphrase(terminal, 'recovery passphrase of these shares', passphrase);
      else terminal.print(passphrase);
    });
}

function withPaperOptions(command: Command): Command {
  return command
    .option('--generate', 'generate a new one instead of typing it')
    .addOption(new Option('--format <format>', 'of what goes into a pipe or file: a page to print from a browser, or text for "lp"').choices(['html', 'text']))
    .option('--file <path>', 'write it to a new file, in the clear')
    .option('--uuid <uuid>', 'the LUKS UUID to print, as "cryptsetup luksUUID" tells it')
    .option('--config <path>', 'a lockstep.yaml that names host and volume (default: the one of this host)');
}

async function readPassphrase({ terminal }: Session, { generate }: PaperOptions): Promise<string> {
  if (generate === true) {
    const { passphrase, bits } = await generatePassphrase();
    terminal.warn(describeEntropy(passphrase, bits));
    return passphrase;
  }
  return process.stdin.isTTY ? askTwice(terminal, 'recovery passphrase') : readPipedSecret(process.stdin);
}

/** Blank fields are filled in by hand, where there is no lockstep.yaml, as on a desk. */
async function readSubject(session: Session, { config: path, uuid }: PaperOptions): Promise<SheetSubject> {
  const named = { made: new Date(), ...(uuid === undefined ? {} : { luksUuid: uuid }) };
  try {
    const { config } = await loadSessionConfig(session, path === undefined ? {} : { config: path });
    return { ...named, host: config.host, volume: config.volume.name };
  } catch (error) {
    if (path !== undefined || !(error instanceof ConfigNotAtHand)) throw error;
    return named;
  }
}
