import { describe, expect, it } from 'vitest';
import { readSettings } from '../../../../../src/rehearsal/deployment/application/settings.js';

describe('readSettings', () => {
  const environment = { DATABASE_URL: 'postgres://x', TOKEN_SECRET: 's' };
  it('has the plan\'s defaults', () =>
    expect(readSettings(environment)).toMatchObject({ port: 1900, maintenanceFile: '/maintenance/on', testAccount: '' }));
  it('names what is missing', () => expect(() => readSettings({ DATABASE_URL: 'x' })).toThrow('TOKEN_SECRET is not set'));
  it('refuses what is no port', () => expect(() => readSettings({ ...environment, PORT: 'http' })).toThrow('PORT is http'));
});
