import { formatBytes, formatCount, formatSeconds } from '../../contract/facts.js';
import { acknowledgement, gate, optionalStep, parallel, step } from '../words.js';

export const readHost = step({
  id: 'read-host',
  title: 'This host can do it: dm-crypt, AES, memory for argon2id',
  plan: '3.1',
  do: (act) => act.readHost(),
  show: (host) => [
    ['kernel', host.kernel],
    ['AES acceleration', host.aes ? 'yes' : 'NO: expect 20 to 40 % overhead instead of 3 to 10 %'],
    ['memory for argon2id', formatBytes(host.argon2idMemoryBytes)],
    ...(host.passphrasesInTheClear ?? []).map((where) => ['PASSPHRASE IN THE CLEAR', where] as const),
  ],
});

export const readDeployment = step({
  id: 'read-deployment',
  title: 'The compose file is understood, and nothing of the cluster lies outside its volume',
  plan: '3.1',
  do: (act) => act.readDeployment(),
  show: (source) => [
    ['database', `${source.container} (${source.image}, PostgreSQL ${source.serverVersion})`],
    ['data', source.directory],
    ['owner', `${source.uid}:${source.gid}`],
  ],
});

/** Until this run has taken a backup nobody knows what its processor needs for one. */
const offlineAtLeast = 'users offline, by the disk alone';

export const measureSource = step({
  id: 'measure-source',
  title: 'Database size, and how long it will take',
  plan: '3.1',
  do: (act) => act.measureSource(),
  show: (source) => [
    ['size', `${formatBytes(source.sizeBytes)} in ${formatCount(source.files)} files`],
    ['copy rate here', `${formatBytes(source.bytesPerSecond)}/s`],
    [offlineAtLeast, formatSeconds(source.estimatedSeconds)],
    ["the plan's estimate", formatSeconds(source.planSeconds)],
  ],
});

export const checkSpace = step({
  id: 'check-space',
  title: 'Twice the space, and room for the backup',
  plan: '3.2, step 1',
  do: (act, { from }) => act.assertSpace({ databaseBytes: from(measureSource).sizeBytes }),
  show: ({ rooms }) => rooms.map(({ directory, neededBytes, availableBytes }) => [directory, `${formatBytes(neededBytes)} needed, ${formatBytes(availableBytes)} free`] as const),
});

export const checkStability = step({
  id: 'check-stability',
  title: 'The system is stable: kernel I/O errors, load, container restarts',
  plan: '3.1',
  do: (act) => act.assertStable(),
  show: (system) => [
    ['I/O errors', String(system.ioErrors)],
    ['load per CPU', system.loadPerCpu.toFixed(2)],
    ['restarts', String(system.restarts)],
  ],
});

export const checkLastBackup = step({
  id: 'check-last-backup',
  title: 'Last verified backup and its age',
  plan: '3.1',
  do: (act) => act.readLastBackup(),
  show: (last) => [['last verified backup', describeAge(last)]],
});

export const announceWindow = optionalStep({
  id: 'announce-window',
  title: 'Announcement of the maintenance window, as a text to send',
  plan: '3.3',
  when: { holds: ({ settings }) => settings.windowOpensAt !== undefined, otherwise: 'no maintenance.window is set' },
  do: (act) => act.announceWindow(),
  show: (announced) => [['text', announced.file]],
});

export const humanChecks = parallel({
  id: 'human-checks',
  title: 'What only people can check',
  plan: '3.1',
  nodes: [
    acknowledgement({
      id: 'window-announced',
      title: 'The maintenance window is scheduled and was communicated',
      plan: '3.1',
      evidence: ({ from }) => {
        const announced = from(announceWindow);
        return announced === undefined ? [] : [['text for users', announced.file]];
      },
    }),
    acknowledgement({ id: 'rollback-reviewed', title: 'The rollback procedure was reviewed and is understood', plan: '3.1' }),
    acknowledgement({ id: 'key-holders-reachable', title: 'All key holders are notified and available', plan: '3.1' }),
    acknowledgement({ id: 'backup-reachable', title: 'The backup is reachable from a separate system', plan: '3.1' }),
  ],
});

export const preflightGate = gate({
  id: 'preflight',
  title: 'Preflight: take the backup and prepare the volume?',
  plan: '3.1',
  evidence: ({ from }) => [
    ['database', formatBytes(from(measureSource).sizeBytes)],
    [offlineAtLeast, formatSeconds(from(measureSource).estimatedSeconds)],
    ["the plan's estimate", formatSeconds(from(measureSource).planSeconds)],
    ...from(checkSpace).rooms.map(({ directory, availableBytes }) => [`free space in ${directory}`, formatBytes(availableBytes)] as const),
    ['last verified backup', describeAge(from(checkLastBackup))],
  ],
});

function describeAge({ ageHours, maximumAgeHours, counts }: { readonly ageHours: number | null; readonly maximumAgeHours: number; readonly counts: boolean }): string {
  if (ageHours === null) return 'none: this run takes one next, and verifies it';
  return `${ageHours.toFixed(1)} h old${counts ? '' : `, which is more than ${maximumAgeHours} h: this run takes a new one next, and verifies it`}`;
}
