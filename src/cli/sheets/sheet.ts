import type { Fact } from '../../contract/facts.js';
import { printedSpace, toCheckedLines, type CheckedLine } from '../../host/passphrases/checkedLines.js';
import { layoutRisk } from '../../host/passphrases/generatePassphrase.js';
import type { RecoveryShare } from '../../host/passphrases/recoveryShares.js';
import { toShareLines } from '../../host/passphrases/shareLines.js';

/** What a sheet is about. */
export interface SheetSubject {
  readonly host?: string;
  readonly volume?: string;
  readonly luksUuid?: string;
  readonly made: Date;
}

/** A sheet of paper with a secret on it, before it is a page or lines of a terminal. */
export interface Sheet {
  readonly title: string;
  /** What it is, when it is used and how: a paragraph each. */
  readonly purpose: readonly string[];
  readonly facts: readonly Fact[];
  readonly lines: readonly CheckedLine[];
  /** What stands below the lines. */
  readonly below: readonly string[];
  /** What the QR code holds. */
  readonly scanned: string;
  readonly scannedIs: string;
}

const rules =
  'Emergency only: the operational passphrase is lost or cannot be reached. Keep it in a sealed, tamper-evident envelope in the safe, and a copy in the bank. Opening it takes two witnesses, and a photo ID that one of them checks.';
const afterwards =
  'Afterwards: set two new passphrases at once, remove this one from the volume, seal a new sheet, and write down who opened the envelope, when and why.';

/** The sheet of a whole recovery passphrase, for the safe (the plan's 5.3, "Emergency Recovery Key"). */
export function makeRecoverySheet(passphrase: string, subject: SheetSubject): Sheet {
  const { form, lines, code } = toCheckedLines(passphrase);
  const joined =
    form === 'words'
      ? 'The words of all lines, with one space between two words, are the passphrase; the codes are no part of it.'
      : 'The characters of all lines, with nothing between the lines, are the passphrase; the codes are no part of it. \u2423 is a space.';
  return {
    title: 'Recovery passphrase of an encrypted volume',
    purpose: [rules, `Typing: "sudo lockstep unlock --from-sheet" asks for each line with its code, and tells which one has a typing error. ${joined}`, afterwards],
    facts: factsOf(subject),
    lines: form === 'words' ? lines : lines.map(({ text, code: ofLine }) => ({ text: text.replaceAll(' ', printedSpace), code: ofLine })),
    below: [`Code over the whole: ${code}`, layoutRisk],
    scanned: passphrase,
    scannedIs: 'The passphrase, without the codes. A telephone that scans it has it from then on.',
  };
}

/** The sheet of one holder's share. */
export function makeShareSheet(share: RecoveryShare, subject: SheetSubject): Sheet {
  const { set, index, shares, threshold } = share;
  const lines = toShareLines(share);
  return {
    title: `Share ${index} of ${shares} of a recovery passphrase`,
    purpose: [
      `Any ${threshold} of the ${shares} shares of the set ${set} give the recovery passphrase; fewer tell nothing of it. One holder keeps one share, in a sealed, tamper-evident envelope, and never beside another.`,
      'Emergency only: the operational passphrase is lost or cannot be reached. Opening it takes two witnesses, and a photo ID that one of them checks.',
      `Typing: "sudo lockstep unlock --from-shares" on the host, or "lockstep combine-shares", asks for each line with its code, and tells which one has a typing error. Capitals, and the spaces between groups but the one before the code, do not matter; there is no letter O, I, L or U in it.`,
      afterwards,
    ],
    facts: [...factsOf(subject), ['set', set], ['share', `${index} of ${shares}; ${threshold} are needed`], ['holder', '']],
    lines,
    below: [layoutRisk],
    scanned: lines.map(({ text, code }) => `${text} ${code}`).join('\n'),
    scannedIs: 'The lines as they are typed. A telephone that scans it has the share from then on.',
  };
}

/** Empty ones are filled in by hand. */
function factsOf({ host = '', volume = '', luksUuid = '', made }: SheetSubject): readonly Fact[] {
  return [
    ['host', host],
    ['volume', volume],
    ['LUKS UUID', luksUuid],
    ['made on', made.toISOString().slice(0, 10)],
    ['envelope number', ''],
  ];
}
