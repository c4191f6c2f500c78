import { describe, expect, it } from 'vitest';
import { configSchema } from '../../../src/config/schema.js';
import { toRunSettings } from '../../../src/config/settings.js';

describe('the settings of a run', () => {
  it('follow from the defaults', () => {
    expect(toRunSettings(configSchema.parse({ host: 'db1' }))).toEqual({
      filesystemCopy: false,
      testAccount: false,
      firstHourSeconds: 3600,
      daySeconds: 86400,
      decommissionPeople: 1,
      automaticRollback: false,
      testedRestart: true,
      reminders: { beforePercent: 75, firstAfterSeconds: 3600, everySeconds: 14_400 },
      compromise: { immediateSeconds: 3600, investigationSeconds: 86_400, remediationSeconds: 259_200 },
    });
  });

  it('follow from what is written', () => {
    const config = configSchema.parse({
      host: 'db1',
      backup: { filesystemCopy: 'pg_basebackup' },
      maintenance: { window: { opensAt: '2026-01-31T22:00:00+01:00' }, mode: { kind: 'file', path: '/opt/maintenance' } },
      verification: { testAccount: { email: 'a@example.com', password: 'ask:' } },
      watch: { firstHourSeconds: 5, daySeconds: 6 },
    });
    expect(toRunSettings(config)).toEqual({
      windowOpensAt: '2026-01-31T22:00:00+01:00',
      filesystemCopy: true,
      testAccount: true,
      firstHourSeconds: 5,
      daySeconds: 6,
      decommissionPeople: 1,
      automaticRollback: false,
      testedRestart: true,
      reminders: { beforePercent: 75, firstAfterSeconds: 3600, everySeconds: 14_400 },
      compromise: { immediateSeconds: 3600, investigationSeconds: 86_400, remediationSeconds: 259_200 },
    });
  });
});
