import type { RunSettings } from '../contract/settings.js';
import type { Config } from './schema.js';

/**
 * The part of lockstep.yaml on which a runbook decides: figures and flags, recorded in history at the
 * start of a run.
 */
export function toRunSettings(config: Config): RunSettings {
  const { maintenance, backup, verification, watch, rollback, decommission, rotation, reminders, compromise } = config;
  const { immediateSeconds, investigationSeconds, remediationSeconds } = compromise;
  return {
    ...(maintenance.window === undefined ? {} : { windowOpensAt: maintenance.window.opensAt }),
    filesystemCopy: backup.filesystemCopy !== 'none',
    testAccount: verification.testAccount !== undefined,
    firstHourSeconds: watch.firstHourSeconds,
    daySeconds: watch.daySeconds,
    decommissionPeople: decommission.people,
    automaticRollback: rollback.automatic,
    testedRestart: rotation.testedRestart,
    reminders,
    compromise: { immediateSeconds, investigationSeconds, remediationSeconds },
  };
}
