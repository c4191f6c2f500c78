import { PermanentFailure } from '../../contract/errors.js';
import { reads } from '../activity.js';
import { needSource } from './source.js';
import { assertVolumePlaceFree } from '../volume/volumePlace.js';
import { findPassphrasesInTheClear } from './passphrasePlaces.js';

const day = 24 * 3600 * 1000;

/** Whether this host can do it, and is well: the plan's 3.1. */
export const hostCheckActivities = {
  /** dm-crypt, AES, memory, and a place for the volume or a volume that was prepared; nothing is changed. */
  readHost: reads(async (attempt) => {
    const { config, tools } = attempt;
    const support = await tools.system.readDmCryptSupport();
    if (!support.deviceMapper || !support.dmCrypt) {
      throw new PermanentFailure(`this host cannot open LUKS volumes: ${support.cause ?? 'dm-crypt is missing'}`, 'nothing was changed; run this on a host that can');
    }
    await assertVolumePlaceFree(attempt, { mayBePrepared: true });
    const processor = await tools.system.readProcessor();
    if (!processor.aes && config.preflight.requireAes) {
      throw new PermanentFailure('the processor has no AES instructions', 'expect 20 to 40 % overhead; to accept that, set preflight.requireAes to false');
    }
    const memory = await tools.system.readMemory();
    const argon2idMemoryBytes = Math.min(config.volume.argon2id.memoryKiB * 1024, Math.floor(memory.availableBytes / 2));
    if (argon2idMemoryBytes < config.volume.argon2id.minimumMemoryKiB * 1024) {
      throw new PermanentFailure(
        `argon2id could use ${Math.floor(argon2idMemoryBytes / 1024)} KiB (minimum ${config.volume.argon2id.minimumMemoryKiB} KiB)`,
        'free memory on this host',
      );
    }
    const { release } = await tools.system.readKernelRelease();
    const passphrasesInTheClear = await findPassphrasesInTheClear(config);
    return {
      kernel: release,
      aes: processor.aes,
      argon2idMemoryBytes,
      cpus: processor.cpus,
      ...(passphrasesInTheClear.length === 0 ? {} : { passphrasesInTheClear }),
    };
  }),

  /** System instability is a no-go in the plan. */
  assertStable: reads(async (attempt) => {
    const { config, tools } = attempt;
    const source = await needSource(attempt);
    const { ioErrors: errors } = await tools.kernelLog.read({ since: new Date(attempt.now().getTime() - day) });
    if (errors.length > 0) {
      throw new PermanentFailure(`the kernel reported ${errors.length} I/O errors in the last day (last: ${errors.at(-1)?.message ?? ''})`, 'find out which disk, before anything else');
    }
    const processor = await tools.system.readProcessor();
    const loadPerCpu = processor.load[1] / processor.cpus;
    if (loadPerCpu > config.preflight.maximumLoadPerCpu) {
      throw new PermanentFailure(
        `the load of the last five minutes is ${loadPerCpu.toFixed(2)} a CPU (limit ${config.preflight.maximumLoadPerCpu})`,
        'wait until the host is quieter, then retry',
      );
    }
    let restarts = 0;
    for (const container of [source.container, source.applicationContainer]) {
      const ofOne = (await tools.docker.readContainer(container))?.restartCount ?? 0;
      if (ofOne > config.preflight.maximumRestarts) {
        throw new PermanentFailure(`Docker restarted ${container} ${ofOne} times (limit ${config.preflight.maximumRestarts})`, `find out why: docker logs ${container}`);
      }
      restarts += ofOne;
    }
    return { ioErrors: errors.length, loadPerCpu, restarts };
  }),
};
