import type { ActsOf } from './activity.js';
import { backupActivities } from './backup/backup.js';
import { carryOverActivities } from './wayBack/carryOver.js';
import { copyActivities } from './copy/copy.js';
import { decommissionActivities } from './decommission/decommission.js';
import { emergencyAccessActivities } from './keys/emergencyAccess.js';
import { newKeyActivities } from './keys/newKeys.js';
import { oldKeyActivities } from './keys/oldKeys.js';
import { rotationActivities } from './keys/rotation.js';
import { incidentActivities } from './incident/incident.js';
import { hostCheckActivities } from './source/hostChecks.js';
import { maintenanceActivities } from './services/maintenance.js';
import { overlayActivities } from './services/overlay.js';
import { performanceActivities } from './watch/performance.js';
import { restoredSourceActivities } from './wayBack/restoredSource.js';
import { serviceActivities } from './services/services.js';
import { shutdownActivities } from './startup/shutdown.js';
import { sourceActivities } from './source/source.js';
import { spaceActivities } from './source/space.js';
import { startupActivities } from './startup/startup.js';
import { statisticsActivities } from './source/statistics.js';
import { verificationActivities } from './copy/verification.js';
import { watchActivities } from './watch/watch.js';
import { growActivities } from './volume/grow.js';
import { newDeploymentActivities } from './services/newDeployment.js';
import { setupActivities } from './volume/setup.js';
import { volumeActivities } from './volume/volume.js';
import { wayBackActivities } from './wayBack/wayBack.js';

/** Everything that a step can do. */
export const stepActivities = {
  ...hostCheckActivities,
  ...sourceActivities,
  ...spaceActivities,
  ...backupActivities,
  ...statisticsActivities,
  ...performanceActivities,
  ...volumeActivities,
  ...setupActivities,
  ...newDeploymentActivities,
  ...growActivities,
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
  ...startupActivities,
  ...shutdownActivities,
  ...oldKeyActivities,
  ...newKeyActivities,
  ...rotationActivities,
  ...emergencyAccessActivities,
  ...incidentActivities,
};

/** The activities as a runbook calls them. */
export type Activities = ActsOf<typeof stepActivities>;
