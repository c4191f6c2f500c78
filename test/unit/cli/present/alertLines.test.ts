import { describe, expect, it } from 'vitest';
import { settle, withAttempt, type Entry } from '../../../../src/activities/alerts/entry.js';
import { renderAlerts, renderUndelivered, type AlertView } from '../../../../src/cli/present/alertLines.js';
import { plainTheme } from '../../../../src/cli/present/theme.js';
import { alertWith, createTestChannel } from '../../activities/alerts/alerts.js';

const mail = createTestChannel('mail (smtp.example.org:25)');
const pager = createTestChannel('command (page)', (severity) => severity === 'critical');
const view: AlertView = { width: 80, theme: plainTheme, now: new Date('2026-11-01T20:10:00Z') };
const at = (time: string, giveUpAfterDays = 7) => ({ now: new Date(`2026-11-01T${time}Z`), giveUpAfterDays });
const refused = { taken: false, reason: 'connection refused' } as const;

function failing(entry: Entry, ...times: readonly string[]): Entry {
  return times.reduce((current, time) => withAttempt(current, mail, refused, at(time)), entry);
}

const fresh = (id: string, more: Parameters<typeof alertWith>[1] = {}): Entry => ({ alert: alertWith(id, more), channels: {} });
const taken = (entry: Entry): Entry => settle(withAttempt(entry, mail, { taken: true }, at('20:00:05')), [mail], new Date('2026-11-01T20:00:05Z'));
const givenUp = (entry: Entry): Entry => {
  let current = entry;
  for (let attempt = 1; attempt <= 10; attempt += 1) current = withAttempt(current, mail, refused, at('20:05:00', 0.0001));
  return settle(current, [mail], new Date('2026-11-01T20:05:00Z'));
};

describe('a status', () => {
  it('says nothing where all got out, or was raised a moment ago', () => {
    expect(renderUndelivered({ entries: [taken(fresh('a')), fresh('b', { at: '2026-11-01T20:09:45.000Z' })], damaged: [] }, [mail], view)).toEqual([]);
  });

  it('says what has not reached whom, since when, and why', () => {
    const entries = [failing(fresh('a'), '20:00:01', '20:00:11'), fresh('b', { severity: 'info' })];
    expect(renderUndelivered({ entries, damaged: [] }, [mail, pager], view)).toEqual([
      '2 alerts have not reached mail (smtp.example.org:25): connection refused, since',
      '2026-11-01 20:00 UTC; see "lockstep alerts"',
      '1 alert has not reached command (page): nothing was tried since 2026-11-01 20:00',
      'UTC: no worker sends on this host; see "lockstep alerts"',
    ]);
  });

  it('goes on saying what was given up, and what can not be read', () => {
    const lines = renderUndelivered({ entries: [givenUp(fresh('a'))], damaged: [{ path: '/s/alerts/x.json', reason: 'it is no alert' }] }, [mail], { ...view, flags: ' --config f' });
    expect(lines).toEqual([
      '1 alert was given up and never reached mail (smtp.example.org:25); see "lockstep',
      'alerts --config f", and "lockstep alerts --acknowledge --config f" once they are',
      'read',
      '1 file in the outbox of alerts can not be read; see "lockstep alerts --config f"',
    ]);
  });
});

it('says no more of what was given up once somebody has read it, and who that was', () => {
  const entry: Entry = { ...givenUp(fresh('a')), acknowledged: { at: '2026-11-02T08:00:00.000Z', by: 'ann' } };
  expect(renderUndelivered({ entries: [entry], damaged: [] }, [mail], view)).toEqual([]);
  const lines = renderAlerts({ entries: [entry], damaged: [] }, [mail], view);
  expect(lines).not.toContain('Given up');
  expect(lines).toContain('      read on the host by ann 2026-11-02 08:00 UTC');
});

describe('the alerts', () => {
  it('show those that have not got out first, then those given up, then the last that did', () => {
    const entries = [taken(fresh('old')), failing(fresh('a', { subject: 'copy-data is parked' }), '20:00:01', '20:00:11'), givenUp(fresh('lost', { severity: 'warning' })), taken(fresh('new'))];
    expect(renderAlerts({ entries, damaged: [{ path: '/s/alerts/x.json', reason: 'it is no alert' }] }, [mail, pager], view)).toEqual([
      '✖ mail (smtp.example.org:25): 1 alert has not got out; connection refused, since',
      '  2026-11-01 20:00 UTC',
      '✖ command (page): 1 alert has not got out; nothing was tried yet',
      '',
      'Not got out',
      '  2026-11-01 20:00 UTC  critical',
      '      copy-data is parked',
      '      mail (smtp.example.org:25): connection refused; 2 attempts, the last',
      '      2026-11-01 20:00 UTC',
      '      command (page): not tried yet',
      '',
      'Given up',
      '  2026-11-01 20:00 UTC  warning',
      '      lost is parked',
      '      mail (smtp.example.org:25): given up: connection refused; 10 attempts, the',
      '      last 2026-11-01 20:05 UTC',
      '',
      'Can not be read',
      '  /s/alerts/x.json: it is no alert',
      '',
      'Before',
      '  2026-11-01 20:00 UTC  critical',
      '      new is parked',
      '      mail (smtp.example.org:25): taken 2026-11-01 20:00 UTC',
      '  2026-11-01 20:00 UTC  critical',
      '      old is parked',
      '      mail (smtp.example.org:25): taken 2026-11-01 20:00 UTC',
    ]);
  });

  it('say that nobody is told where no channel is named, and of which alerts', () => {
    const unheard = settle(fresh('a'), [], new Date());
    const words = renderAlerts({ entries: [unheard], damaged: [] }, [], view).join('\n');
    expect(words).toContain('lockstep.yaml names no channel for alerts: nobody is told;');
    expect(words).toContain('nobody was told: no channel was for it');
  });

  it('count what is not shown', () => {
    const entries = Array.from({ length: 13 }, (_, index) => taken(fresh(`a${index}`)));
    expect(renderAlerts({ entries, damaged: [] }, [mail], view).at(-1)).toBe('  … and 3 earlier ones');
  });
});
