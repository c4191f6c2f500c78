import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { PermanentFailure } from '../../contract/errors.js';
import { findFreePorts } from '../freePort.js';
import { type BackgroundProcess, type BackgroundProgram, startInBackground } from './background.js';
import { createCommands } from './commands.js';
import { createConnection } from './connection.js';
import { followLines } from './console.js';
import { diskOf, type Guest, type GuestSettings } from './guest.js';
import { copySparse, holdStill } from './stillness.js';
import { findKernel, kernelArguments } from './kernel.js';
import { assertMachineFits, chooseMemoryDirectory } from './machine.js';
import { createNetwork } from './network.js';
import { offer } from './offers.js';
import { isRunning, killGroup } from './processIdentity.js';
import { guestSource } from './projectFiles.js';
import { register, registryDirectory } from './registry.js';

/** A guest that is not ready after this long has failed to boot. */
const bootTimeoutSeconds = 180;

/** A guest that is not off after this long hangs; Docker gives its containers 10 s of these. */
const shutDownTimeoutSeconds = 120;

/**
 * Boots a host from an image and waits until Docker answers in it. It sees the machine's files below its
 * own, read-only, and remembers them as it first read them: what changes on the machine meanwhile is for
 * the next boot.
 *
 * @throws {@link PermanentFailure} when the machine cannot have guests, or one of this name is in use.
 * @throws Error when it does not come up; of the guest nothing is left then but its folder, with the
 * console's words.
 */
export async function bootGuest(settings: GuestSettings): Promise<Guest> {
  const { run, image, directory, name, memoryMiB = 3000, writesToImage = false, differences, onConsoleLine } = settings;
  if (!/^[a-z0-9][a-z0-9-]{0,30}$/.test(name)) {
    throw new PermanentFailure(`${name} is no name for a guest`, 'use up to 31 small letters, digits and hyphens');
  }
  assertMachineFits();
  const registration = await register(name, image.directory);
  const network = await createNetwork({ run, name }).catch(async (error: unknown) => {
    await registration.remove();
    throw error;
  });
  await rm(directory, { recursive: true, force: true });
  await mkdir(directory, { recursive: true, mode: 0o700 });

  const consoleFile = join(directory, 'console.log');
  const copyOnWrite = join(directory, 'disk.cow');
  if (differences !== undefined) await copySparse(run, differences, copyOnWrite);
  const socketPrefix = join(registryDirectory, name);
  const start = async (program: BackgroundProgram): Promise<BackgroundProcess> => {
    const started = await startInBackground(program);
    if (started.identity !== undefined) await registration.add(started.identity);
    return started;
  };
  const connection = await createConnection({
    ...{ run, network, directory, start },
    imageDirectory: image.directory,
    socket: `${socketPrefix}.ssh`,
  });
  const commands = createCommands(connection);
  const follower = onConsoleLine === undefined ? undefined : followLines(consoleFile, onConsoleLine);
  const forwarded = new Map<number, number>();
  let machine: BackgroundProcess | undefined;

  const guest: Guest = {
    ...commands,
    ...{ name, image, directory },
    enterCommand: connection.enterCommand,
    isOn: () => isRunning(machine?.identity),
    boot,
    holdStill: (act) => holdStill(machine?.identity, () => act(copyOnWrite)),
    powerCut,
    shutDown,
    destroy,
    forwardFromMachine,
    offerToGuest: (machinePort, guestSidePort) =>
      offer(
        { network, socketPrefix, start, outputFile: join(directory, 'offers.log') },
        machinePort,
        guestSidePort,
      ),
  };

  try {
    await boot();
  } catch (error) {
    await leave();
    throw error;
  }
  return guest;

  async function boot(): Promise<void> {
    if (await guest.isOn()) throw new Error(`the guest ${name} is on already; shut it down or cut its power first`);
    await connection.close();
    const kernel = await findKernel();
    const stateDirectory = `${socketPrefix}.kernel`;
    await rm(stateDirectory, { recursive: true, force: true });
    await mkdir(stateDirectory, { mode: 0o700 });
    const kernelArgs = kernelArguments({ name, memoryMiB, kernel, disk: diskOf(image), stateDirectory, ...(writesToImage ? {} : { copyOnWrite }) });
    const variables = [`TMPDIR=${await chooseMemoryDirectory(memoryMiB, directory)}`, `GUEST_KERNEL=${kernel.program}`];
    const onProcessor = ['taskset', '--cpu-list', String(registration.processor)];
    const [file, args] = network.inside('env', [...variables, ...onProcessor, guestSource('files', 'kernel.sh'), ...kernelArgs]);
    machine = await start({ file, args, outputFile: consoleFile });
    await connect(machine);
    // Joins the job that the boot has queued; the unit is ready when the daemon says so.
    await commands.expect('systemctl', ['start', 'docker.service'], { timeoutSeconds: bootTimeoutSeconds });
  }

  async function connect(on: BackgroundProcess | undefined): Promise<void> {
    const ended = new AbortController();
    void on?.ended.then(() => ended.abort(new Error(`the guest ${name} went off while it was waited for; see ${consoleFile}`)));
    const signal = AbortSignal.any([ended.signal, AbortSignal.timeout(bootTimeoutSeconds * 1000)]);
    for (let triesLeft = 3; ; triesLeft -= 1) {
      await connection.open(signal);
      try {
        for (const [guestPort, machinePort] of forwarded) await connection.forward(machinePort, guestPort);
        return;
      } catch (error) {
        // The connection of before a reboot may have answered one last time.
        if (triesLeft === 1) throw error;
        await sleep(500);
      }
    }
  }

  async function forwardFromMachine(guestPort: number): Promise<number> {
    const known = forwarded.get(guestPort);
    const [machinePort = 0] = known === undefined ? await findFreePorts(1) : [known];
    // After a reboot from within nothing is forwarded any more.
    if (!(await connection.isOpen())) await connect(machine);
    if (known === undefined) await connection.forward(machinePort, guestPort);
    forwarded.set(guestPort, machinePort);
    return machinePort;
  }

  async function powerCut(): Promise<void> {
    await killGroup(machine?.identity);
    await connection.close();
  }

  async function shutDown(): Promise<void> {
    await commands.expect('systemctl', ['--no-block', 'poweroff']);
    const end = performance.now() + shutDownTimeoutSeconds * 1000;
    while ((await guest.isOn()) && performance.now() < end) await sleep(100);
    if (await guest.isOn()) {
      throw new Error(`the guest ${name} is not off after ${shutDownTimeoutSeconds} s; see ${consoleFile}`);
    }
    await connection.close();
  }

  async function destroy(): Promise<void> {
    await leave();
    await rm(directory, { recursive: true, force: true });
  }

  async function leave(): Promise<void> {
    await connection.close();
    await registration.remove();
    await network.remove();
    await follower?.stop();
  }
}
