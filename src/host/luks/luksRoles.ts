import { z } from 'zod';
import { PermanentFailure } from '../../contract/errors.js';
import type { KeyRole } from '../../contract/keys.js';
import { createLuksHeader, type LuksHeader } from './luksHeader.js';
import type { Run } from '../processes/runner.js';

/** What a key slot is for. Roles are read from tokens: a re-encryption gives every slot a new number. */
export type LuksRole = KeyRole;

/** A Lockstep token in a LUKS2 header. */
export interface LuksRoleToken {
  readonly tokenId: number;
  readonly role: LuksRole;
  /** Normally one; none once its slot was removed. */
  readonly slots: readonly number[];
  /** The run that set it. */
  readonly run: string;
}

const tokenType = 'lockstep';
const fieldsSchema = z.looseObject({ role: z.enum(['operational', 'recovery']), run: z.string() });

/** Roles of key slots, kept as tokens of type `lockstep` in the header itself. */
export function createLuksRoles({ run }: { readonly run: Run }) {
  const luksHeader = createLuksHeader({ run });

  return {
    /** The roles that the header gives to its slots. */
    async readRoles({ device }: { readonly device: string }): Promise<readonly LuksRoleToken[]> {
      return rolesOf(await luksHeader.readHeader({ device }));
    },

    /**
     * Gives a slot its role; does nothing where it has it already.
     *
     * @param runName - The run on whose behalf, for those who read the header later.
     * @returns the token's id, and whether it was added now.
     * @throws {@link PermanentFailure} when the slot is empty or has the other role.
     */
    async addRoleToken({
      device,
      slot,
      role,
      runName,
    }: {
      readonly device: string;
      readonly slot: number;
      readonly role: LuksRole;
      readonly runName: string;
    }): Promise<{ changed: boolean; tokenId: number }> {
      const header = await luksHeader.readHeader({ device });
      if (!header.slots.some((each) => each.slot === slot)) {
        throw new PermanentFailure(`${device} has no key in slot ${slot}`, 'add the key before giving it a role');
      }
      const present = rolesOf(header).find((token) => token.slots.includes(slot));
      if (present !== undefined && present.role !== role) {
        throw new PermanentFailure(
          `slot ${slot} of ${device} already has the role ${present.role} (token ${present.tokenId})`,
          `remove that token before making the slot ${role}`,
        );
      }
      if (present !== undefined) return { changed: false, tokenId: present.tokenId };
      const token = JSON.stringify({ type: tokenType, keyslots: [String(slot)], role, run: runName });
      await run('cryptsetup', ['token', 'import', '--json-file=-', device], { input: token, timeout: 'standard' });
      const added = rolesOf(await luksHeader.readHeader({ device })).find((each) => each.slots.includes(slot));
      if (added?.role !== role) throw new Error(`the role token for slot ${slot} of ${device} is not in the header after its import`);
      return { changed: true, tokenId: added.tokenId };
    },

    /**
     * Removes a Lockstep token; does nothing where it is gone.
     *
     * @throws {@link PermanentFailure} when the token is someone else's (systemd, clevis).
     */
    async removeRoleToken({ device, tokenId }: { readonly device: string; readonly tokenId: number }): Promise<{ changed: boolean }> {
      const token = (await luksHeader.readHeader({ device })).tokens.find((each) => each.tokenId === tokenId);
      if (token === undefined) return { changed: false };
      if (token.type !== tokenType) {
        throw new PermanentFailure(`token ${tokenId} of ${device} is of type ${token.type}, not ${tokenType}`, 'remove it with the tool that set it');
      }
      await run('cryptsetup', ['token', 'remove', '--token-id', String(tokenId), device], { timeout: 'standard' });
      return { changed: true };
    },
  };
}

/**
 * The Lockstep tokens of a header.
 *
 * @throws {@link PermanentFailure} when a token of our type does not say what ours say.
 */
export function rolesOf(header: LuksHeader): readonly LuksRoleToken[] {
  return header.tokens
    .filter((token) => token.type === tokenType)
    .map(({ tokenId, slots, fields }) => {
      const parsed = fieldsSchema.safeParse(fields);
      if (!parsed.success) {
        throw new PermanentFailure(
          `token ${tokenId} of the LUKS header ${header.uuid} is of type ${tokenType} but names no known role`,
          `look at it with cryptsetup token export --token-id ${tokenId}`,
        );
      }
      return { tokenId, role: parsed.data.role, slots, run: parsed.data.run };
    });
}
