import { describe, expect, it } from 'vitest';
import { createTokens, hashPassword, isPassword } from '../../../../../src/rehearsal/deployment/application/authentication.js';

describe('tokens', () => {
  const tokens = createTokens({ secret: 'one', now: () => 1_000 });
  const token = tokens.issue({ userId: 7, email: 'test@example.com' });

  it('carry the identity', () => expect(tokens.read(token)).toEqual({ userId: 7, email: 'test@example.com' }));
  it('outlive the process, since the secret is all it takes', () =>
    expect(createTokens({ secret: 'one', now: () => 1_000 }).read(token)).toBeDefined());
  it('are refused under another secret', () => expect(createTokens({ secret: 'two', now: () => 1_000 }).read(token)).toBeUndefined());
  it('expire', () => expect(createTokens({ secret: 'one', now: () => 90_000_000 }).read(token)).toBeUndefined());
  it('are refused when they are no tokens', () => expect(tokens.read('nonsense')).toBeUndefined());
});

describe('passwords', () => {
  it('fit their own hash only', async () => {
    const stored = await hashPassword('right', Buffer.from('salt'));
    expect(await isPassword('right', stored)).toBe(true);
    expect(await isPassword('wrong', stored)).toBe(false);
    expect(await isPassword('', '')).toBe(false);
  });
});
