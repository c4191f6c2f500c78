import { expect, test } from 'vitest';
import { alertSchema, toAlertWords } from '../../../src/contract/alerts.js';

test('a subject is one line, whatever a failure said in it', () => {
  const { subject } = toAlertWords({ severity: 'critical', subject: ' copy-data failed:\r\nBcc: all@example.org\n\ttry again\u0000 ', text: 'x' });
  expect(subject).toBe('copy-data failed: Bcc: all@example.org try again');
});

test('neither subject nor text is without end, and the text keeps its lines', () => {
  const { subject, text } = toAlertWords({ severity: 'info', subject: 's'.repeat(500), text: `a\nb\n${'t'.repeat(20_000)}` });
  expect(subject).toHaveLength(200);
  expect(text).toHaveLength(10_000);
  expect(text.startsWith('a\nb\nt')).toBe(true);
});

test('an alert is read back strictly', () => {
  const alert = { id: 'a', at: '2026-11-01T20:00:00.000Z', severity: 'warning', subject: 's', text: 't', host: 'h1' };
  expect(alertSchema.parse(alert)).toEqual(alert);
  expect(alertSchema.safeParse({ ...alert, severity: 'loud' }).success).toBe(false);
  expect(alertSchema.safeParse({ ...alert, password: 'canary' }).success).toBe(false);
});
