import type { Activities } from '../activities/activities.js';
import { formatBytes, formatCount, formatCountOf, type Facts } from '../contract/facts.js';
import type { Runbook, View } from './engine/nodes.js';
import { gate, optionalStep, section, step } from './words.js';

/**
 * What a removal on a disk cannot promise. Overwriting in place (`shred`) is left out: filesystems and
 * flash write elsewhere (shred(1), "CAUTION"; NIST SP 800-88 Rev. 1; Wei et al., FAST 2011).
 */
const notGuaranteed: Facts = [
  ['on SSDs', 'NOT guaranteed: the device may keep old blocks, also after a trim, until it reuses them. Only its own sanitise command, or destruction, removes them'],
  ['in snapshots', "NOT seen from here: snapshots and images of the provider, of LVM, ZFS or btrfs, and backups of the whole machine. Remove them where they are made"],
  ['on hard disks', 'NOT overwritten: freed blocks stay readable with the device in hand until something is written there'],
];

const readMigration = step({
  id: 'read-migration',
  title: 'The migration has ended, and the retention period is over',
  plan: 'beyond',
  do: (act) => act.readMigrationToDecommission(),
  show: ({ inUseSince, inUseDays, retentionDays }) => [
    ['encrypted volume in use', `${inUseDays.toFixed(2)} days, since ${inUseSince}`],
    ['retention period', `${retentionDays} days`],
  ],
});

const serviceOnVolume = step({
  id: 'service-on-volume',
  title: 'Every file that PostgreSQL holds open lies on the encrypted volume',
  plan: 'beyond',
  requires: ['volume open'],
  do: (act) => act.assertServiceOnVolume(),
  show: ({ openFiles }) => [['open files on the volume', formatCount(openFiles)]],
});

const verifiedBackup = step({
  id: 'verified-backup',
  title: 'A verified backup of the whole cluster is young enough; else one is taken and verified',
  plan: 'beyond',
  requires: ['volume open'],
  do: (act) => act.ensureVerifiedBackup(),
  show: ({ file, ageDays, verifiedAt, sizeBytes, taken, counted }) => [
    ['backup', `${file}, ${formatBytes(sizeBytes)}, ${ageDays.toFixed(2)} days old${taken ? ', taken by this run' : ''}`],
    ['restored and counted', verifiedAt],
    ...whatIsHeld(counted),
  ],
});

const listCopies = step({
  id: 'list-plaintext',
  title: 'Every copy in the clear is listed, and nobody has one open',
  plan: 'beyond',
  do: (act) => act.listPlaintextCopies(),
  show: ({ copies, kept }) => [...underLabel('in the clear', copies), ...underLabel('stays', kept)],
});

const removalGate = gate({
  id: 'remove-plaintext-gate',
  title: 'Remove these copies for good? There is NO WAY BACK to the old volume afterwards, not by rollback and not half-way',
  plan: 'beyond',
  // After a boot nobody else starts the database while this waits for people, for days perhaps.
  requires: ['volume open', 'application up'],
  reasonForGo: true,
  people: ({ decommissionPeople }) => (decommissionPeople === undefined || decommissionPeople < 2 ? undefined : decommissionPeople),
  evidence: ({ from }) => [
    ...underLabel('REMOVED', from(listCopies).copies),
    ...underLabel('stays', from(listCopies).kept),
    ['together', `${formatBytes(from(listCopies).sizeBytes)} in ${formatCountOf(from(listCopies).files, 'file')}`],
    ['encrypted volume in use', `${from(readMigration).inUseDays.toFixed(2)} days, since ${from(readMigration).inUseSince}; ${formatCountOf(from(serviceOnVolume).openFiles, 'open file')}, all on it`],
    ['verified backup', `${from(verifiedBackup).file}, ${from(verifiedBackup).ageDays.toFixed(2)} days old`],
    ...whatIsHeld(from(verifiedBackup).counted),
    ['open handles on what goes', `none, in ${formatCountOf(from(listCopies).processes, 'process', 'processes')}`],
    ...notGuaranteed,
  ],
});

const confirmCopies = step({
  id: 'confirm-plaintext',
  title: 'Again, right before the removal: all as listed, nobody uses it, the service on the encrypted volume',
  plan: 'beyond',
  requires: ['volume open'],
  do: (act) => act.confirmPlaintextCopies(),
  show: ({ openFiles, processes }) => [
    ['open files on the volume', formatCount(openFiles)],
    ['processes looked at', formatCount(processes)],
  ],
});

const removeCopies = optionalStep({
  id: 'remove-plaintext',
  title: 'The copies are removed',
  plan: 'beyond',
  requires: ['volume open'],
  skippable: true,
  do: (act) => act.removePlaintextCopies(),
  show: ({ copies, freedBytes, closedPlaces }) => [
    ...underLabel('removed', copies),
    ['freed', formatBytes(freedBytes)],
    ...Object.entries(closedPlaces).map(([path, how]) => ['kept empty', `${path}, so that no database starts there: ${how}`] as const),
  ],
});

const trimFreed = optionalStep({
  id: 'trim-freed',
  title: 'The devices are told which blocks are free (fstrim)',
  plan: 'beyond',
  skippable: true,
  do: (act) => act.trimFreedBlocks(),
  show: ({ trimmed }) => trimmed.map(({ mountPoint, words }) => [mountPoint, words] as const),
});

const proveRemoval = optionalStep({
  id: 'prove-removal',
  title: 'The copies are gone, and the service runs on the encrypted volume with everything in it',
  plan: 'beyond',
  requires: ['volume open'],
  skippable: true,
  do: (act) => act.proveDecommission(),
  show: ({ openFiles, rowsBefore, rowsAfter, tables, kept }) => [
    ['open files on the volume', formatCount(openFiles)],
    ['rows', `${formatCount(rowsBefore)} before the removal, ${formatCount(rowsAfter)} after it, in ${formatCountOf(tables, 'table')}`],
    ["the migration's backups", 'no longer bound to be kept for a way back to the old volume'],
    ...underLabel('stays', kept),
    ...notGuaranteed,
  ],
});

/** The old data goes, after the retention period and behind a gate of its own. Nothing else ever removes a source. */
export const decommissionPlaintext: Runbook<Activities> = {
  name: 'decommissionPlaintext',
  title: 'Remove the copies in the clear that a migration left',
  noWayBackFrom: removeCopies,
  sections: [
    section('Evidence', 'beyond', [readMigration, serviceOnVolume, verifiedBackup, listCopies]),
    section('Decide', 'beyond', [removalGate]),
    section('Remove and prove', 'beyond', [confirmCopies, removeCopies, trimFreed, proveRemoval]),
  ],
  afterRollback: [],
  summary: summarise,
};

/** A path is read, and copied, whole: it stands in the wider column. */
function underLabel(label: string, found: Facts): Facts {
  return found.map(([path, words]) => [label, `${path}: ${words}`]);
}

/** @param counted - Absent in what runs of earlier versions recorded: nothing is said of a backup of which nothing is known. */
function whatIsHeld(counted: { readonly databases: readonly string[]; readonly tables: number; readonly roles: number } | undefined): Facts {
  if (counted === undefined) return [];
  const { databases, tables, roles } = counted;
  return [['it holds', `the whole cluster: every database, and the roles; counted in its restore: ${formatCountOf(roles, 'role')}, ${formatCountOf(tables, 'table')} in ${databases.join(', ')}`]];
}

function summarise({ from }: View, has: (step: { readonly id: string }) => boolean): Facts {
  if (!has(listCopies)) return [];
  const removed = has(removeCopies) ? from(removeCopies) : undefined;
  return [
    ['removed', removed === undefined ? 'nothing, or not to the end' : `${formatBytes(removed.sizeBytes)} in ${formatCountOf(removed.files, 'file')} at ${formatCountOf(removed.places, 'place')}`],
    ...underLabel('stays', from(listCopies).kept),
    ...notGuaranteed,
  ];
}
