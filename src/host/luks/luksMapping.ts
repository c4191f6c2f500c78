import { realpath } from 'node:fs/promises';
import { PermanentFailure } from '../../contract/errors.js';
import { explain, ifPresent } from '../failure.js';
import { passphraseBytes, WrongPassphrase, type Passphrase } from './luksPassphrase.js';
import type { Run } from '../processes/runner.js';

/** An open volume, as device-mapper has it. */
export interface LuksStatus {
  readonly active: true;
  /** Mounted or otherwise held. */
  readonly inUse: boolean;
  /** For example `LUKS2`. */
  readonly type: string;
  /** `unknown` where cryptsetup does not tell it, as of a re-encryption that was cut off; the key's size is 0 then. */
  readonly cipher: string;
  readonly keySizeBits: number;
  /** The block device below, for example `/dev/loop0`. */
  readonly device: string;
  /** The file behind that device, where it is a loop device. */
  readonly loop?: string;
  readonly sizeBytes: number;
  readonly readOnly: boolean;
}

const sectorBytes = 512;

/** Opening and closing volumes under a device-mapper name. */
export function createLuksMapping({ run }: { readonly run: Run }) {
  /** What device-mapper says of a name. */
  async function status({ name }: { readonly name: string }): Promise<LuksStatus | { readonly active: false }> {
    const stdout = await readStatus(name);
    return isInactive(stdout) ? { active: false } : parseStatus(name, stdout);
  }

  async function readStatus(name: string): Promise<string> {
    const { stdout } = await run('cryptsetup', ['status', name], { answers: [0, 4] }).catch((error: unknown) =>
      explain(error, [{ says: /Cannot initialize device-mapper/, then: () => noDeviceMapper() }]),
    );
    return stdout;
  }

  return {
    status,

    /**
     * Opens a volume as `/dev/mapper/<name>`; a file gets a loop device of its own that goes with it.
     * Discards are never allowed through: they show which blocks are empty, and punch holes in the volume file.
     *
     * @param slot - The one slot that may open it; any when left out.
     * @returns whether it was opened now; false where that name is already open on that device.
     * @throws {@link WrongPassphrase} when no slot, or not that one, answers.
     * @throws {@link PermanentFailure} when the name is open on another device, or the kernel has no dm-crypt.
     */
    async open({
      device,
      name,
      passphrase,
      slot,
    }: {
      readonly device: string;
      readonly name: string;
      readonly passphrase: Passphrase;
      readonly slot?: number;
    }): Promise<{ changed: boolean }> {
      const before = await status({ name });
      if (before.active && (before.loop === device || (await isSameDevice(before.device, device)))) return { changed: false };
      if (before.active) {
        throw new PermanentFailure(`/dev/mapper/${name} is already open on ${before.loop ?? before.device}, not on ${device}`, `close it with cryptsetup close ${name}`);
      }
      try {
        const only = slot === undefined ? [] : ['--key-slot', String(slot)];
        await run('cryptsetup', ['open', '--type', 'luks2', ...only, '--key-file=-', device, name], {
          input: passphraseBytes(passphrase),
          timeout: 'standard',
        });
      } catch (error) {
        explain(error, [
          { exitCode: 2, then: () => new WrongPassphrase(device) },
          // What a kernel without the target dm-crypt answers: "reload ioctl … failed: Invalid argument".
          { says: /Cannot initialize device-mapper|reload ioctl .* failed: Invalid argument/, then: () => noDeviceMapper() },
        ]);
      }
      const after = await status({ name });
      if (!after.active) throw new Error(`/dev/mapper/${name} is not there after opening ${device}`);
      return { changed: true };
    },

    /**
     * Closes a volume: its key leaves the kernel's memory.
     *
     * @returns whether it was closed now.
     * @throws when something still holds it.
     */
    async close({ name }: { readonly name: string }): Promise<{ changed: boolean }> {
      // Nothing else is asked of it: of a volume whose re-encryption was cut off it may not be told.
      if (isInactive(await readStatus(name))) return { changed: false };
      try {
        await run('cryptsetup', ['close', name], { timeout: 'standard' });
      } catch (error) {
        explain(error, [{ exitCode: 5, then: () => new Error(`/dev/mapper/${name} is still in use; unmount it, and end what holds it open`) }]);
      }
      return { changed: true };
    },

    /**
     * Makes an open volume as large as the device below it, after that has grown.
     *
     * @throws {@link WrongPassphrase} when no slot answers: the volume key lies in the kernel's keyring, out of reach.
     */
    async resize({ name, passphrase }: { readonly name: string; readonly passphrase: Passphrase }): Promise<{ sizeBytes: number }> {
      try {
        await run('cryptsetup', ['resize', '--key-file=-', name], { input: passphraseBytes(passphrase), timeout: 'standard' });
      } catch (error) {
        explain(error, [{ exitCode: 2, then: () => new WrongPassphrase(`/dev/mapper/${name}`) }]);
      }
      const after = await status({ name });
      if (!after.active) throw new Error(`/dev/mapper/${name} is not open; open it before resizing`);
      return { sizeBytes: after.sizeBytes };
    },
  };
}

/** A logical volume has several names: `/dev/vg/lv` and `/dev/mapper/vg-lv` lead to the same device. */
async function isSameDevice(one: string, other: string): Promise<boolean> {
  const [first, second] = await Promise.all([one, other].map((path) => ifPresent(realpath(path))));
  return one === other || (first !== undefined && first === second);
}

function isInactive(stdout: string): boolean {
  return /is inactive\.?\s*$/m.test(stdout);
}

function parseStatus(name: string, stdout: string): LuksStatus {
  const fields = new Map(
    stdout.split('\n').flatMap((line) => {
      const [, key, value] = /^ +([a-z ]+): +(.*)$/.exec(line) ?? [];
      return key === undefined || value === undefined ? [] : [[key, value] as const];
    }),
  );
  const need = (key: string): string => {
    const value = fields.get(key);
    if (value === undefined) throw new Error(`cryptsetup status of ${name} does not tell its ${key}`);
    return value;
  };
  const loop = fields.get('loop');
  return {
    active: true,
    inUse: stdout.includes('is active and is in use'),
    type: need('type'),
    // Of one whose re-encryption was cut off it may tell neither.
    cipher: fields.get('cipher') ?? 'unknown',
    keySizeBits: Number.parseInt(fields.get('keysize') ?? '0', 10),
    device: need('device'),
    ...(loop === undefined ? {} : { loop }),
    sizeBytes: Number.parseInt(need('size'), 10) * sectorBytes,
    readOnly: need('mode') !== 'read/write',
  };
}

function noDeviceMapper(): PermanentFailure {
  return new PermanentFailure('the kernel of this host has no device-mapper with dm-crypt', 'load it (modprobe dm_crypt); a container, or a kernel without it, cannot open volumes');
}
