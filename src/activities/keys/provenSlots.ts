import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { volumeDevice } from '../../config/volumeDevice.js';
import { ifPresent } from '../../host/failure.js';
import { ensureTextFile } from '../../host/files/textFile.js';
import type { Attempt } from '../activity.js';

const proofSchema = z.strictObject({
  /** Of the LUKS header. */
  volume: z.string(),
  slot: z.number(),
  /** While the slot has it, the passphrase that was proven opens it. */
  fingerprint: z.string(),
  /** ISO time. */
  at: z.string(),
  run: z.string(),
});

/** That a passphrase opened a key slot, and how that slot was then. */
export type SlotProof = Readonly<z.infer<typeof proofSchema>>;

type Proving = Pick<Attempt, 'config' | 'tools' | 'call' | 'now'>;

/** Keeps on the host that somebody's passphrase has just opened a slot. */
export async function keepProven(attempt: Proving, slot: number): Promise<void> {
  const device = volumeDevice(attempt.config.volume);
  const fingerprint = await attempt.tools.cryptsetup.readSlotFingerprint({ device, slot });
  if (fingerprint === undefined) throw new Error(`slot ${slot} of ${device} is empty although a passphrase has just opened it`);
  const { uuid: volume } = await attempt.tools.cryptsetup.readHeader({ device });
  const others = (await readProofs(attempt)).filter((proof) => proof.volume !== volume || proof.slot !== slot);
  const proof: SlotProof = { volume, slot, fingerprint, at: attempt.now().toISOString(), run: `${attempt.call.workflowId} ${attempt.call.runId}` };
  await ensureTextFile({ path: pathOf(attempt), content: `${JSON.stringify([...others, proof], null, 2)}\n`, mode: 0o600 });
}

/** The slots of the volume that a passphrase was proven to open, and that have not changed since. */
export async function readProvenSlots(attempt: Proving): Promise<readonly SlotProof[]> {
  const device = volumeDevice(attempt.config.volume);
  const { uuid } = await attempt.tools.cryptsetup.readHeader({ device });
  const held: SlotProof[] = [];
  for (const proof of await readProofs(attempt)) {
    if (proof.volume !== uuid) continue;
    if ((await attempt.tools.cryptsetup.readSlotFingerprint({ device, slot: proof.slot })) === proof.fingerprint) held.push(proof);
  }
  return held;
}

async function readProofs(attempt: Pick<Attempt, 'config'>): Promise<readonly SlotProof[]> {
  const text = await ifPresent(readFile(pathOf(attempt), 'utf8'));
  return text === undefined ? [] : z.array(proofSchema).parse(JSON.parse(text));
}

function pathOf({ config }: Pick<Attempt, 'config'>): string {
  return join(config.stateDirectory, 'proven-slots.json');
}
