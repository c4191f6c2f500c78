import { readFile, stat } from 'node:fs/promises';
import { ifPresent } from './failure.js';
import { CommandFailed, type Run, type RunResult } from './processes/runner.js';

/** The processor, as far as it matters for encryption. */
export interface Processor {
  readonly cpus: number;
  /** The instruction set speeds AES up (AES-NI, or ARMv8's); without it encryption works, slower. */
  readonly aes: boolean;
  /** Averages of runnable processes over 1, 5 and 15 minutes. */
  readonly load: readonly [number, number, number];
}

/** Main memory. */
export interface Memory {
  readonly totalBytes: number;
  /** What could be had without swapping, as the kernel estimates it. */
  readonly availableBytes: number;
}

/** Whether the kernel can open LUKS volumes, and if not, why. */
export interface DmCryptSupport {
  readonly deviceMapper: boolean;
  readonly dmCrypt: boolean;
  /** The container virtualisation that the host runs in, for example `openvz` or `lxc`. */
  readonly container?: string;
  /** In words, where one of the two is missing. */
  readonly cause?: string;
}

/** Facts about the machine and its kernel. */
export function createSystem({
  run,
  procDirectory = '/proc',
  sysDirectory = '/sys',
}: {
  readonly run: Run;
  readonly procDirectory?: string;
  readonly sysDirectory?: string;
}) {
  const readProc = (file: string) => readFile(`${procDirectory}/${file}`, 'utf8');

  async function readContainer(): Promise<string | undefined> {
    // OpenVZ shows /proc/vz in host and container, /proc/bc in the host alone.
    const isPresent = async (file: string) => (await ifPresent(stat(`${procDirectory}/${file}`))) !== undefined;
    if ((await isPresent('vz')) && !(await isPresent('bc'))) return 'openvz';
    const answer = await ifInstalled(run('systemd-detect-virt', ['--container'], { answers: [0, 1] }));
    return answer?.exitCode === 0 ? answer.stdout.trim() : undefined;
  }

  /** Loaded or built in, or to be had: `modprobe --dry-run` loads nothing. */
  async function hasModule(module: string): Promise<boolean> {
    if ((await ifPresent(stat(`${sysDirectory}/module/${module}`))) !== undefined) return true;
    return (await ifInstalled(run('modprobe', ['--dry-run', module], { answers: [0, 1] })))?.exitCode === 0;
  }

  return {
    /** Count, AES instructions and load of the processors. */
    async readProcessor(): Promise<Processor> {
      const information = await readProc('cpuinfo');
      const [one = 0, five = 0, fifteen = 0] = (await readProc('loadavg')).split(' ').map(Number);
      return {
        cpus: information.match(/^processor\s*:/gm)?.length ?? 1,
        aes: /^(flags|Features)\s*:.*\baes\b/m.test(information),
        load: [one, five, fifteen],
      };
    },

    /** Size of the memory and what is available of it. */
    async readMemory(): Promise<Memory> {
      const text = await readProc('meminfo');
      const read = (field: string): number => {
        const kibibytes = new RegExp(`^${field}:\\s+(\\d+) kB`, 'm').exec(text)?.[1];
        if (kibibytes === undefined) throw new Error(`/proc/meminfo does not tell ${field}`);
        return Number(kibibytes) * 1024;
      };
      return { totalBytes: read('MemTotal'), availableBytes: read('MemAvailable') };
    },

    /** Changes with every boot: tells a host that was up all the time from one that was restarted. */
    async readBootId(): Promise<{ bootId: string }> {
      return { bootId: (await readProc('sys/kernel/random/boot_id')).trim() };
    },

    /** The kernel's release, for example `6.1.0-18-amd64`. */
    async readKernelRelease(): Promise<{ release: string }> {
      return { release: (await readProc('sys/kernel/osrelease')).trim() };
    },

    /** Device-mapper and dm-crypt, with the cause where they are missing; loads nothing. */
    async readDmCryptSupport(): Promise<DmCryptSupport> {
      const [deviceMapper, dmCrypt, container, { release }] = [
        await hasModule('dm_mod'),
        await hasModule('dm_crypt'),
        await readContainer(),
        { release: (await readProc('sys/kernel/osrelease')).trim() },
      ];
      const missing = [...(deviceMapper ? [] : ['device-mapper']), ...(dmCrypt ? [] : ['dm-crypt'])].join(' and ');
      const cause =
        container === undefined
          ? `kernel ${release} has no ${missing}: boot one that has, such as the distribution's own`
          : `the host is a container (${container}): it uses the kernel of its provider, which offers no ${missing}; a virtual machine with a kernel of its own is needed`;
      return {
        deviceMapper,
        dmCrypt,
        ...(container === undefined ? {} : { container }),
        ...(missing === '' ? {} : { cause }),
      };
    },
  };
}

/** What {@link createSystem} makes. */
export type System = ReturnType<typeof createSystem>;

/** Undefined where the program is missing, which is an answer on hosts without systemd or modules. */
async function ifInstalled(running: Promise<RunResult>): Promise<RunResult | undefined> {
  try {
    return await running;
  } catch (error) {
    if (error instanceof CommandFailed && error.exitCode === undefined && error.how.includes('not installed')) return undefined;
    throw error;
  }
}
