import { createHmac, scrypt, timingSafeEqual } from 'node:crypto';
import { promisify } from 'node:util';

const derive = promisify<string, Buffer, number, Buffer>(scrypt);
const hashBytes = 32;
const tokenHours = 24;

/** Who a token speaks for. */
export interface Identity {
  readonly userId: number;
  readonly email: string;
}

/** Makes and reads bearer tokens. */
export interface Tokens {
  issue(identity: Identity): string;
  /** Undefined when the signature does not fit or the token has expired. */
  read(token: string): Identity | undefined;
}

/**
 * Tokens that carry the identity and an expiry, signed with HMAC-SHA256: the application keeps no
 * sessions, so that a token outlives its restart.
 */
export function createTokens({ secret, now = Date.now }: { readonly secret: string; readonly now?: () => number }): Tokens {
  const sign = (text: string) => createHmac('sha256', secret).update(text).digest();
  return {
    issue: ({ userId, email }) => {
      const claims = JSON.stringify([userId, email, now() + tokenHours * 3_600_000]);
      const text = Buffer.from(claims).toString('base64url');
      return `${text}.${sign(text).toString('base64url')}`;
    },
    read: (token) => {
      const [text = '', signature = ''] = token.split('.');
      const given = Buffer.from(signature, 'base64url');
      const expected = sign(text);
      if (given.length !== expected.length || !timingSafeEqual(given, expected)) return undefined;
      const [userId, email, expiresAt] = JSON.parse(Buffer.from(text, 'base64url').toString()) as [number, string, number];
      return expiresAt > now() ? { userId, email } : undefined;
    },
  };
}

/**
 * Hashes a password with scrypt.
 *
 * @returns `scrypt$SALT$HASH`, both in base64.
 */
export async function hashPassword(password: string, salt: Buffer): Promise<string> {
  const hash = await derive(password, salt, hashBytes);
  return `scrypt$${salt.toString('base64')}$${hash.toString('base64')}`;
}

/** Whether a password fits a hash made by {@link hashPassword}; false for any other text. */
export async function isPassword(password: string, stored: string): Promise<boolean> {
  const [scheme, salt, hash] = stored.split('$');
  if (scheme !== 'scrypt' || salt === undefined || hash === undefined) return false;
  const expected = Buffer.from(hash, 'base64');
  const given = await derive(password, Buffer.from(salt, 'base64'), hashBytes);
  return given.length === expected.length && timingSafeEqual(given, expected);
}
