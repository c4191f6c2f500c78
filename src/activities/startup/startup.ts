import { PermanentFailure } from '../../contract/errors.js';
import { volumeDevice } from '../../config/volumeDevice.js';
import { changes, reads, type Attempt } from '../activity.js';
import { tellPeople } from '../alerting.js';
import { readFact } from '../run/runFacts.js';
import { overlayName } from '../services/overlaySelection.js';
import { openAndMount } from '../volume/openVolume.js';
import { unlockedFact, type UnlockedFact } from '../volume/unlock.js';
import { dropShutDown } from './marks.js';
import { readStanding, type ServiceStanding, type Standing } from './standing.js';
import { checkVolume } from './volumeChecks.js';

const outsideSeconds = 15;

/** The critical path after a reboot, and after anything else that has ended the database: the plan's 1.2 and 5.1. */
export const startupActivities = {
  /** Which of volume, database and application is down, and why; what ended while the volume was open is told to people. */
  readHostStanding: reads(async (attempt) => {
    const standing = await readStanding(attempt);
    assertOnVolume(attempt, standing);
    const down = standing.services.filter(({ end }) => end !== undefined);
    if (down.length > 0) await tellPeople(attempt, describeDown(attempt, down), 'service-was-down');
    return {
      volume: standing.volume,
      why: describeVolume(standing),
      services: standing.services.map(({ container, end }) => ({ container, ...(end === undefined ? {} : { cause: end.cause, since: end.at ?? 'unknown' }) })),
    };
  }),

  /** Opens, mounts and recognises the volume; nobody is asked for a passphrase where it is open. */
  openVolume: changes('VOLUME_OPEN', async (attempt) => {
    const { opened } = await openAndMount(attempt, { mounted: true });
    const { giver } = (await readFact<UnlockedFact>(attempt, unlockedFact)) ?? {};
    return { opened, ...(giver === undefined ? {} : { by: giver.by, from: giver.from ?? 'this host' }) };
  }),

  checkVolume: changes('VOLUME_CHECK', checkVolume),

  /** Its health, from here and where users reach it: the plan's "verify services are healthy". */
  verifyFromOutside: reads(async (attempt) => {
    const { baseUrl, healthPath, publicUrl } = attempt.config.deployment.application;
    const asked: string[] = [];
    for (const base of publicUrl === undefined ? [baseUrl] : [baseUrl, publicUrl]) {
      const url = base.replace(/\/$/, '') + healthPath;
      const { status } = await attempt.tools.request({ url, timeoutSeconds: outsideSeconds, signal: attempt.signal });
      if (status !== 200) throw new Error(`${url} answers with status ${status}`);
      asked.push(url);
    }
    return { asked };
  }),

  /** The plan's "log startup event": who gave the passphrase, when, and from where. */
  tellStartup: reads(async (attempt) => {
    const unlocked = await readFact<UnlockedFact>(attempt, unlockedFact);
    await attempt.audit('STARTUP', { volume: attempt.config.volume.name, unlocked: unlocked?.at ?? 'it was open', startedBy: attempt.call.startedBy }, unlocked?.giver);
    await dropShutDown(attempt.config);
    return { by: unlocked?.giver?.by ?? attempt.call.startedBy, from: unlocked?.giver?.from ?? 'this host' };
  }),
};

/** @throws {@link PermanentFailure} where Compose would start another database than the one on the volume, or there is no volume. */
function assertOnVolume({ config }: Attempt, { isSelected, volume }: Standing): void {
  const { directory } = config.deployment;
  if (!isSelected) {
    throw new PermanentFailure(`the database of this host does not lie on an encrypted volume: ${overlayName} is not selected in ${directory}/.env`, `start it as ever (docker compose up -d in ${directory}); "lockstep start migrate" moves it onto one`);
  }
  if (volume === 'missing') {
    throw new PermanentFailure(`there is no LUKS volume at ${volumeDevice(config.volume)}`, 'is its disk there (lsblk)? Correct volume.file or volume.device in lockstep.yaml; where its header is damaged, restore that from a header backup');
  }
}

function describeVolume({ volume, shutDown, bootId }: Standing): string {
  if (volume === 'open') return 'it is open and mounted';
  if (volume === 'not mounted') return 'it is open, and not mounted';
  if (shutDown === undefined) return 'a reboot: its key is only ever in the memory of a running host';
  return `shutdown closed it, ${shutDown.at}, started by ${shutDown.by}${shutDown.bootId === bootId ? '' : '; the host was booted since'}`;
}

function describeDown({ config }: Attempt, down: readonly ServiceStanding[]) {
  const words = down.map(({ container, end }) => `${container} since ${end?.at ?? 'ever'}: ${end?.cause ?? ''}`);
  return {
    severity: 'critical',
    subject: `${down.map(({ container }) => container).join(' and ')} on ${config.host} ended, and ${down.length === 1 ? 'is' : 'are'} started again`,
    text: words.join('; '),
  } as const;
}
