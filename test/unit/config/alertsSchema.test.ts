import { describe, expect, it } from 'vitest';
import { parseConfig } from '../../../src/config/parse.js';

const mail = { kind: 'smtp', host: 'smtp.example.org', from: 'lockstep@example.org', to: ['ops@example.org'] };
const parse = (channel: Readonly<Record<string, unknown>>) => () => parseConfig(`host: h1\nalerts:\n  channels:\n    - ${JSON.stringify(channel)}\n`, 'lockstep.yaml').alerts.channels[0];

describe('the channels of alerts', () => {
  it('are none unless somebody writes one', () => {
    expect(parseConfig('host: h1\n', 'lockstep.yaml').alerts).toEqual({ channels: [], giveUpAfterDays: 7 });
  });

  it('encrypt mail unless it is said otherwise', () => {
    expect(parse(mail)()).toMatchObject({ security: 'starttls' });
  });

  it.each([
    [{ ...mail, user: 'lockstep', password: 'ask:' }, 'password: expected a reference to a secret that needs no person'],
    [{ ...mail, user: 'lockstep' }, 'password: required but missing, expected a password beside "user"'],
    [{ ...mail, password: 'file:/p' }, 'user: required but missing, expected a user beside "password"'],
    [{ ...mail, security: 'none', user: 'lockstep', password: 'file:/p' }, 'security: expected starttls or tls where there is a password'],
    [{ ...mail, to: [] }, 'to: expected at least 1 items'],
    [{ ...mail, to: ['ops'] }, 'to.0: expected a mail address'],
    [{ ...mail, only: ['loud'] }, 'only.0: expected one of info, warning, critical'],
    [{ kind: 'pigeon' }, 'expected one of smtp, webhook, command'],
    [{ kind: 'command', command: [] }, 'command: expected at least 1 items'],
    [{ kind: 'webhook', url: 'https://[' }, 'url: expected a URL that begins with https://'],
    [{ kind: 'webhook', url: 'ftp://example.org' }, 'url: expected a URL that begins with https://'],
    [{ kind: 'webhook', url: 'https://lockstep:canary@example.org' }, 'url: expected a URL that begins with https:// or http:// and has no user or password in it'],
    [{ kind: 'webhook', url: 'ask:' }, 'url: expected a URL that begins with https://'],
  ])('refuse %j', (channel, words) => {
    expect(parse(channel)).toThrow(words);
  });

  it('bear a password without encryption on this machine alone', () => {
    expect(parse({ ...mail, host: '127.0.0.1', security: 'none', user: 'lockstep', password: 'file:/p' })()).toMatchObject({ security: 'none' });
  });

  it.each(['file:/etc/lockstep/mail', 'systemd-credential:mail', { exec: ['pass', 'show', 'mail'], timeoutSeconds: 30 }])('take a secret that needs no person: %j', (reference) => {
    expect(parse({ ...mail, user: 'lockstep', password: reference })()).toMatchObject({ password: reference });
    expect(parse({ kind: 'webhook', url: reference, bearerToken: reference, headers: { 'X-Key': reference } })()).toMatchObject({ url: reference, bearerToken: reference, headers: { 'X-Key': reference } });
  });

  it.each([
    { ...mail, user: 'lockstep', password: 'canary' },
    { ...mail, user: 'lockstep', password: { exec: 'canary' } },
    { kind: 'webhook', url: 'https://lockstep:canary@example.org' },
    { kind: 'webhook', url: 'canary://hooks.example.org/canary' },
    { kind: 'webhook', url: 'https://example.org', bearerToken: 'canary' },
    { kind: 'webhook', url: 'https://example.org', headers: { 'X-Key': 'canary' } },
    { kind: 'webhook', url: 'https://example.org', headers: 'canary' },
  ])('are refused without quoting what may be a secret: %j', (channel) => {
    expect(parse(channel)).toThrow('not shown, in case it is the secret itself');
    expect(parse(channel)).not.toThrow('canary');
  });
});
