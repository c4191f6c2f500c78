import type { Activities } from '../activities/activities.js';
import { formatBytes, type Facts } from '../contract/facts.js';
import type { Runbook, View } from './engine/nodes.js';
import { gate, section, step } from './words.js';

const checkVolumeInUse = step({
  id: 'check-volume-in-use',
  title: 'The database of this host runs on this volume',
  plan: '1.1',
  do: (act) => act.assertVolumeInUse(),
  show: ({ place }) => [['volume', place]],
});

const measureGrowth = step({
  id: 'measure-growth',
  title: 'What is used, how large the volume becomes, and the room below it',
  plan: '1.1',
  requires: ['volume open'],
  do: (act, { input }) => act.measureGrowth(input.sizeGib === undefined ? {} : { sizeGib: input.sizeGib }),
  show: showGrowth,
});

const growGate = gate({
  id: 'grow',
  title: 'Grow the volume, with users online? It does not shrink again',
  plan: '1.1',
  requires: ['volume open'],
  evidence: ({ from }) => showGrowth(from(measureGrowth)),
});

/** With the volume alone: a database that has stopped because its disk is full starts again once there is room. */
const growFile = step({
  id: 'grow-file',
  title: 'The file, in place and fully allocated; a block device is larger already',
  plan: '1.1',
  requires: ['volume open'],
  do: (act, { from }) => act.growFile({ sizeBytes: from(measureGrowth).sizeBytes }),
  show: showSize,
});

const growLoop = step({
  id: 'grow-loop',
  title: 'The loop device sees it (losetup --set-capacity)',
  plan: '1.1',
  requires: ['volume open'],
  do: (act) => act.growLoop(),
  show: ({ device, sizeBytes }) => [[device, formatBytes(sizeBytes)]],
});

const growMapping = step({
  id: 'grow-mapping',
  title: 'The open volume takes it (cryptsetup resize)',
  plan: '1.1',
  requires: ['volume open'],
  do: (act) => act.growMapping(),
  show: showSize,
});

const growFilesystem = step({
  id: 'grow-filesystem',
  title: 'ext4 takes it, mounted (resize2fs)',
  plan: '1.1',
  requires: ['volume open'],
  do: (act) => act.growFilesystem(),
  show: showSize,
});

const proveGrowth = step({
  id: 'prove-growth',
  title: 'Sizes agree at every layer, the volume takes a write, the service is healthy',
  plan: '1.1',
  requires: ['volume open', 'application up'],
  do: (act, { from }) => act.proveGrowth({ sizeBytes: from(measureGrowth).sizeBytes, availableBytes: from(measureGrowth).availableBytes }),
  show: (grown) => [
    ['place of the volume', formatBytes(grown.placeBytes)],
    ['open volume', formatBytes(grown.mappingBytes)],
    ['ext4', formatBytes(grown.filesystemBytes)],
    ['room', `${formatBytes(grown.availableBytes)} (${grown.usedPercent} % used)`],
  ],
});

/** For the day on which the volume is 80 % full: larger, online, layer by layer from below. */
export const growVolume: Runbook<Activities> = {
  name: 'growVolume',
  title: 'Grow the encrypted volume',
  takes: ['sizeGib'],
  noWayBackFrom: growFile,
  sections: [
    section('Measure', '1.1', [checkVolumeInUse, measureGrowth, growGate]),
    section('Grow', '1.1', [growFile, growLoop, growMapping, growFilesystem]),
    section('Prove', '1.1', [proveGrowth]),
  ],
  afterRollback: [],
  leaves: ['volume open', 'application up'],
  summary: summarise,
};

interface Growth {
  readonly place: string;
  readonly isDevice: boolean;
  readonly placeBytes: number;
  readonly sizeBytes: number;
  readonly usedBytes: number;
  readonly availableBytes: number;
  readonly leftBelowBytes: number | null;
}

function showGrowth({ place, isDevice, placeBytes, sizeBytes, usedBytes, availableBytes, leftBelowBytes }: Growth): Facts {
  return [
    ['volume', place],
    ['used', `${formatBytes(usedBytes)} of ${formatBytes(usedBytes + availableBytes)} (${((usedBytes / (usedBytes + availableBytes)) * 100).toFixed(0)} %)`],
    ['size', isDevice ? `the whole device, ${formatBytes(sizeBytes)}` : `${formatBytes(placeBytes)} now, ${formatBytes(sizeBytes)} then`],
    ...(leftBelowBytes === null ? [] : [['free on the disk below, then', formatBytes(leftBelowBytes)] as const]),
  ];
}

function showSize({ sizeBytes }: { readonly sizeBytes: number }): Facts {
  return [['size', formatBytes(sizeBytes)]];
}

function summarise({ from }: View, has: (step: { readonly id: string }) => boolean): Facts {
  if (!has(proveGrowth)) return [];
  const { placeBytes, availableBytes, usedPercent } = from(proveGrowth);
  return [
    ['size', `${formatBytes(placeBytes)}, before ${formatBytes(from(measureGrowth).placeBytes)}`],
    ['room', `${formatBytes(availableBytes)} (${usedPercent} % used)`],
  ];
}
