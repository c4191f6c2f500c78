import { hostFiles } from '../../../src/rehearsal/hostConfig.js';
import type { Rehearsal } from '../../../src/rehearsal/rehearsal.js';
import type { Watch } from './course.js';
import { volumeFile } from './hostParts.js';
import { mapping, type HeaderJson, type Proof } from './keyState.js';

/** What is seen of a host at one instant. */
export interface Instant {
  /** Absent where there is none, or none that cryptsetup can read. */
  readonly header?: HeaderJson;
  readonly proofs: readonly Proof[];
  /** The volume is unlocked. */
  readonly isOpen: boolean;
  /** Who has the claim. */
  readonly holder?: string;
  /** The database runs on the volume, and Compose has selected that. */
  readonly serves: boolean;
}

/**
 * Looks for what must not be at any instant: fewer than two key slots from when two were proven, or an unlocked volume
 * that neither a run knows of nor the service runs on.
 */
export function createKeyWatch(rehearsal: Rehearsal): Watch {
  const known = { wereProven: false };
  return async () => judgeInstant(await readInstant(rehearsal), known);
}

/** @param known - Is told once two slots were proven. @returns In words, what must not be. */
export function judgeInstant({ header, proofs, isOpen, holder, serves }: Instant, known: { wereProven: boolean }): readonly string[] {
  // A re-encryption keeps its own state in a slot that no passphrase opens.
  const filled = Object.entries(header?.keyslots ?? {}).flatMap(([slot, { type }]) => (type === 'luks2' ? [slot] : []));
  const proven = new Set(proofs.map(({ slot }) => String(slot)).filter((slot) => filled.includes(slot)));
  if (proven.size >= 2) known.wereProven = true;
  return [
    ...(known.wereProven && filled.length < 2 ? [`the header has ${header === undefined ? 'no slot that can be read' : `${filled.length} key slots`} after two were proven`] : []),
    ...(isOpen && holder === undefined && !serves ? ['the volume is unlocked, no run holds the host, and the service does not run on it'] : []),
  ];
}

const marker = '--- next ---';

/** The mapping is looked at last again: it may have been closed, and the host given free, in between. */
const script = [
  `cryptsetup luksDump --dump-json-metadata ${volumeFile} 2>/dev/null || echo null`,
  `cat ${hostFiles.state}/proven-slots.json 2>/dev/null || echo '[]'`,
  `test ! -e /dev/mapper/${mapping} || echo open`,
  `cat ${hostFiles.state}/claim.json 2>/dev/null || { test -e /dev/mapper/${mapping} && grep --quiet COMPOSE_FILE=.*encrypted /opt/supersync/.env && docker inspect --format '{{.State.Running}} {{range .Mounts}}{{.Source}} {{end}}' supersync-postgres; }`,
  `test ! -e /dev/mapper/${mapping} || echo open`,
].join(`; echo '${marker}'; `);

async function readInstant({ guest }: Rehearsal): Promise<Instant> {
  const { stdout, stderr, exitCode } = await guest.exec('sh', ['-c', script]);
  const [header, proofs, before, claim, after] = stdout.split(`${marker}\n`).map((part) => part.trim());
  if (header === undefined || proofs === undefined || claim === undefined || after === undefined) throw new Error(`the host did not tell how its keys are (status ${exitCode}): ${stderr || stdout}`);
  const holder = claim.startsWith('{') ? (JSON.parse(claim) as { readonly workflowId: string }).workflowId : undefined;
  const read = JSON.parse(header) as HeaderJson | null;
  return {
    ...(read === null ? {} : { header: read }),
    proofs: JSON.parse(proofs) as readonly Proof[],
    isOpen: before === 'open' && after === 'open',
    ...(holder === undefined ? {} : { holder }),
    serves: claim.startsWith('true ') && claim.includes(`/mnt/${mapping}/`),
  };
}
