import { formatBytes, type Facts } from '../../contract/facts.js';

/** What the machine did while something was measured, as `iostat -x` tells it. */
interface MachineActivity {
  readonly ioWaitPercent: number;
  readonly processorPercent: number;
  /** Absent where the kernel counts nothing for the device under the data. */
  readonly disk?: { readonly readBytesPerSecond: number; readonly writtenBytesPerSecond: number; readonly busyPercent: number };
}

/** Processor, I/O wait and disk in the plan's words: 2.3. */
export function showActivity({ ioWaitPercent, processorPercent, disk }: MachineActivity): Facts {
  return [
    ['CPU', `${processorPercent.toFixed(0)} % busy, ${ioWaitPercent.toFixed(1)} % waiting for I/O`],
    ...(disk === undefined
      ? []
      : [['disk', `${disk.busyPercent.toFixed(0)} % busy, ${formatBytes(disk.readBytesPerSecond)}/s read, ${formatBytes(disk.writtenBytesPerSecond)}/s written`] as const]),
  ];
}
