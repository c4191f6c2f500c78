import { formatBytes, type Facts } from '../../contract/facts.js';
import { gate, step } from '../words.js';
import type { View } from '../engine/nodes.js';
import { readHost } from '../migrate/preflight.js';

export const measureCipher = step({
  id: 'measure-cipher',
  title: 'How fast this processor encrypts: cryptsetup benchmark, in memory',
  plan: '1.1, step 6',
  do: (act) => act.readCipherRate(),
  show: showCipher,
});

export const planVolume = step({
  id: 'plan-volume',
  title: 'Where and how large: nothing is there yet, and there is room',
  plan: '1.1, step 1',
  do: (act, { input }) => act.planVolume({ mayBePrepared: input.newDeployment === true, ...(input.sizeGib === undefined ? {} : { sizeGib: input.sizeGib }) }),
  show: (planned) => showPlan(planned),
});

export const setUpGate = gate({
  id: 'set-up',
  title: 'Make the encrypted volume there?',
  plan: '1.1',
  // What lies there without any mark may be what blocks were used for before, or what nobody recognises.
  reasonForGo: ({ from }) => from(planVolume).hasOldBytes,
  evidence: ({ from }: View) => {
    const { argon2id } = from(planVolume);
    return [
      ...showPlan(from(planVolume)),
      ['a passphrase costs', `argon2id with ${formatBytes(argon2id.memoryKiB * 1024)} of memory (least ${formatBytes(argon2id.minimumMemoryKiB * 1024)}), ${argon2id.parallel} at a time`],
      ...showCipher(from(measureCipher)),
      ['kernel', from(readHost).kernel],
    ];
  },
});

interface Planned {
  readonly place: string;
  readonly isDevice: boolean;
  readonly isDeployed: boolean;
  readonly database: { readonly directory: string; readonly sizeBytes: number } | null;
  readonly sizeBytes: number;
  readonly availableBytes: number;
  readonly hasOldBytes: boolean;
  readonly preparedAt?: string;
}

function showPlan({ place, isDevice, isDeployed, database, sizeBytes, availableBytes, hasOldBytes, preparedAt }: Planned): Facts {
  const none = isDeployed ? 'the deployment has none yet' : 'no deployment is there';
  return [
    ['place', `${place}${isDevice ? ', a block device, the whole of it' : ', a file, fully allocated'}`],
    ['size', formatBytes(sizeBytes)],
    ['database now', database === null ? none : `${formatBytes(database.sizeBytes)} in ${database.directory}`],
    ...(preparedAt === undefined ? [['what is there now', whatIsThere(isDevice, hasOldBytes)] as const] : [['what is there now', `the volume that setupVolume prepared, ${preparedAt}: it is taken as it is`] as const]),
    ...(isDevice || preparedAt !== undefined ? [] : [['free on the disk below', formatBytes(availableBytes)] as const]),
  ];
}

function whatIsThere(isDevice: boolean, hasOldBytes: boolean): string {
  if (!isDevice) return 'nothing';
  return hasOldBytes
    ? 'OLD BYTES without any mark that wipefs knows: they are LOST. A logical volume shows what its blocks held before; say in the reason how you know that nobody needs them'
    : 'nothing: no mark that wipefs knows, and zeros where the header goes';
}

type Measured = { readonly aes: boolean } & ({ readonly encryptMebibytesPerSecond: number; readonly decryptMebibytesPerSecond: number } | { readonly unmeasured: string });

function showCipher(measured: Measured): Facts {
  return [
    ['AES instructions', measured.aes ? 'yes' : 'NO: expect 20 to 40 % overhead instead of 3 to 10 %'],
    [
      'AES-256-XTS here',
      'unmeasured' in measured
        ? `not measured: ${measured.unmeasured}`
        : `${measured.encryptMebibytesPerSecond.toFixed(0)} MiB/s encryption, ${measured.decryptMebibytesPerSecond.toFixed(0)} MiB/s decryption`,
    ],
  ];
}
