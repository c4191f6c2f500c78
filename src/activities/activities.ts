import type { ActsOf } from './activity.js';
import { backupActivities } from './backup.js';
import { carryOverActivities } from './carryOver.js';
import { copyActivities } from './copy.js';
import { decommissionActivities } from './decommission.js';
import { hostCheckActivities } from './hostChecks.js';
import { maintenanceActivities } from './maintenance.js';
import { overlayActivities } from './overlay.js';
import { performanceActivities } from './performance.js';
import { restoredSourceActivities } from './restoredSource.js';
import { serviceActivities } from './services.js';
import { sourceActivities } from './source.js';
import { spaceActivities } from './space.js';
import { statisticsActivities } from './statistics.js';
import { verificationActivities } from './verification.js';
import { watchActivities } from './watch.js';
import { volumeActivities } from './volume.js';
import { wayBackActivities } from './wayBack.js';

/** Everything that a step can do. */
export const stepActivities = {
  ...hostCheckActivities,
  ...sourceActivities,
  ...spaceActivities,
  ...backupActivities,
  ...statisticsActivities,
  ...performanceActivities,
  ...volumeActivities,
  ...maintenanceActivities,
  ...serviceActivities,
  ...copyActivities,
  ...carryOverActivities,
  ...restoredSourceActivities,
  ...overlayActivities,
  ...verificationActivities,
  ...watchActivities,
  ...wayBackActivities,
  ...decommissionActivities,
};

/** The activities as a runbook calls them. */
export type Activities = ActsOf<typeof stepActivities>;
