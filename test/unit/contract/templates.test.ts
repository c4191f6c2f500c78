import { describe, expect, it } from 'vitest';
import {
  announceCompletion,
  announceDuringMaintenance,
  announceExtendedMaintenance,
  announceWeekBefore,
} from '../../../src/contract/templates.js';

const application = 'SuperSync';

describe('the announcements', () => {
  it('of a week before have date, times and duration in the offset in which they were written', () => {
    const { subject, body } = announceWeekBefore({ application, opensAt: '2026-01-31T19:30:00+01:00', expectedMinutes: 180 });
    expect(subject).toBe('Scheduled Maintenance - SuperSync Encryption Upgrade');
    expect(body.split('\n')[0]).toBe(
      'We will be performing a security upgrade on 2026-01-31 from 19:30 to 22:30 UTC+01:00 (estimated 3 hours).',
    );
    expect(body).toContain('- SuperSync will be unavailable during the maintenance window\n');
  });

  it.each([
    ['2026-01-31T23:00:00Z', 90, 'on 2026-01-31 from 23:00 to 2026-02-01 00:30 UTC (estimated 1.5 hours)'],
    ['2026-03-01T00:10:00-05:00', 45, 'on 2026-03-01 from 00:10 to 00:55 UTC-05:00 (estimated 45 minutes)'],
    ['2026-03-01T00:10:00+05:30', 60, 'on 2026-03-01 from 00:10 to 01:10 UTC+05:30 (estimated 1 hour)'],
  ])('say when a window that opens at %s ends', (opensAt, expectedMinutes, words) => {
    expect(announceWeekBefore({ application, opensAt, expectedMinutes }).body).toContain(words);
  });

  it('during maintenance say until when, and where to look', () => {
    expect(
      announceDuringMaintenance({ application, expectedCompletion: '2026-01-31T22:30:00+01:00', statusPage: 'https://status.example.com' }).body,
    ).toBe(
      [
        'SuperSync is currently undergoing scheduled maintenance.',
        'Expected completion: 2026-01-31 22:30 UTC+01:00',
        'Status updates: https://status.example.com',
      ].join('\n'),
    );
  });

  it('after completion tick only what was proven', () => {
    const { body } = announceCompletion({ application, proven: { dataIntegrity: true, syncOperations: false, performance: true } });
    expect(body).toContain(
      ['- [X] Data integrity verified', '- [ ] All sync operations tested', '- [X] Performance within expected range'].join('\n'),
    );
  });

  it('of extended maintenance say whether users can work', () => {
    const statusPage = 'https://status.example.com';
    expect(announceExtendedMaintenance({ application, statusPage, available: true }).body).toContain('- SuperSync is available again\n');
    expect(announceExtendedMaintenance({ application, statusPage, available: false }).body).toContain('- SuperSync remains unavailable until further notice\n');
  });

  it('leave no placeholder, and refuse a time that is none', () => {
    const all = [
      announceWeekBefore({ application, opensAt: '2026-01-31T22:00:00Z', expectedMinutes: 180 }),
      announceCompletion({ application, proven: { dataIntegrity: true, syncOperations: true, performance: true } }),
    ];
    for (const { subject, body } of all) expect(subject + body).not.toMatch(/\[[A-Z]{2,}/);
    expect(() => announceWeekBefore({ application, opensAt: 'tomorrow', expectedMinutes: 1 })).toThrow(RangeError);
  });
});
