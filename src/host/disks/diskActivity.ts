import { readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import type { DeviceNumber } from './deviceNumber.js';

/** Counters since boot, at one moment. */
export interface ActivitySample {
  readonly atMilliseconds: number;
  /** Time of all processors, in ticks. */
  readonly totalTicks: number;
  readonly ioWaitTicks: number;
  readonly idleTicks: number;
  /** Absent where the kernel has no such device. */
  readonly disk?: {
    readonly readBytes: number;
    readonly writtenBytes: number;
    readonly requests: number;
    readonly requestMilliseconds: number;
    readonly busyMilliseconds: number;
  };
}

/** What happened between two samples. */
export interface Activity {
  readonly seconds: number;
  /** Share of processor time spent idle while a disk was awaited, of all processors. */
  readonly ioWaitPercent: number;
  /** Share of processor time spent working, of all processors. */
  readonly processorPercent: number;
  readonly disk?: {
    readonly readBytesPerSecond: number;
    readonly writtenBytesPerSecond: number;
    /** Time with at least one request under way. */
    readonly busyPercent: number;
    /** From a request's start to its end; zero without requests. */
    readonly averageRequestMilliseconds: number;
  };
}

/** What the kernel counts in, whatever the device's own sectors (Documentation/admin-guide/iostats). */
const sectorBytes = 512;

/** Disk and I/O wait figures, as `iostat -x` has them. */
export function createDiskActivity({ procDirectory = '/proc' }: { readonly procDirectory?: string } = {}) {
  /** The counters now, for one device. */
  async function readSample({ deviceNumber }: { readonly deviceNumber?: DeviceNumber } = {}): Promise<ActivitySample> {
    const processor = /^cpu +(.*)$/m.exec(await readFile(`${procDirectory}/stat`, 'utf8'))?.[1]?.split(' ').map(Number) ?? [];
    const disk = parseDisk(await readFile(`${procDirectory}/diskstats`, 'utf8'), deviceNumber);
    return {
      atMilliseconds: performance.now(),
      // The first eight; guests' time, which follows, is part of users' time already.
      totalTicks: processor.slice(0, 8).reduce((sum, ticks) => sum + ticks, 0),
      ioWaitTicks: processor[4] ?? 0,
      idleTicks: processor[3] ?? 0,
      ...(disk === undefined ? {} : { disk }),
    };
  }

  return {
    readSample,

    /** Watches for a while. */
    async measure({
      seconds,
      deviceNumber,
      signal,
    }: {
      readonly seconds: number;
      readonly deviceNumber?: DeviceNumber;
      readonly signal?: AbortSignal;
    }): Promise<Activity> {
      const request = deviceNumber === undefined ? {} : { deviceNumber };
      const before = await readSample(request);
      await sleep(seconds * 1000, undefined, signal === undefined ? {} : { signal });
      return compareSamples(before, await readSample(request));
    },
  };
}

/** The activity between an earlier sample and a later one. */
export function compareSamples(before: ActivitySample, after: ActivitySample): Activity {
  const seconds = (after.atMilliseconds - before.atMilliseconds) / 1000;
  const ticks = after.totalTicks - before.totalTicks;
  const percent = (share: number) => (ticks === 0 ? 0 : (100 * share) / ticks);
  const waited = after.ioWaitTicks - before.ioWaitTicks;
  const processor = {
    ioWaitPercent: percent(waited),
    processorPercent: percent(ticks - waited - (after.idleTicks - before.idleTicks)),
  };
  const from = before.disk;
  const to = after.disk;
  if (from === undefined || to === undefined || seconds === 0) return { seconds, ...processor };
  const requests = to.requests - from.requests;
  return {
    seconds,
    ...processor,
    disk: {
      readBytesPerSecond: (to.readBytes - from.readBytes) / seconds,
      writtenBytesPerSecond: (to.writtenBytes - from.writtenBytes) / seconds,
      busyPercent: Math.min(100, (to.busyMilliseconds - from.busyMilliseconds) / seconds / 10),
      averageRequestMilliseconds: requests === 0 ? 0 : (to.requestMilliseconds - from.requestMilliseconds) / requests,
    },
  };
}

function parseDisk(text: string, deviceNumber: DeviceNumber | undefined): ActivitySample['disk'] {
  for (const line of text.split('\n')) {
    const [major, minor, , ...counters] = line.trim().split(/\s+/);
    if (deviceNumber === undefined || `${major ?? ''}:${minor ?? ''}` !== deviceNumber) continue;
    const [reads = 0, , readSectors = 0, readMilliseconds = 0, writes = 0, , writtenSectors = 0, writeMilliseconds = 0, , busyMilliseconds = 0] =
      counters.map(Number);
    return {
      readBytes: readSectors * sectorBytes,
      writtenBytes: writtenSectors * sectorBytes,
      requests: reads + writes,
      requestMilliseconds: readMilliseconds + writeMilliseconds,
      busyMilliseconds,
    };
  }
  return undefined;
}
