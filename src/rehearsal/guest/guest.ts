import { join } from 'node:path';
import type { Run } from '../../host/processes/runner.js';
import type { Commands } from './commands.js';

/** An image that guests boot from, and the keys that go with it. */
export interface GuestImage {
  /** Holds the disk and the keys; shared, and never written to by a guest. */
  readonly directory: string;
}

/** The file of an image's disk. */
export function diskOf(image: GuestImage): string {
  return join(image.directory, 'disk.ext4');
}

/** What a guest is made of. */
export interface GuestSettings {
  readonly run: Run;
  readonly image: GuestImage;
  /** The guest's folder on the machine: its disk's differences, its console, its logs. Emptied first. */
  readonly directory: string;
  /** Letters, digits and hyphens; two guests with different names live side by side. */
  readonly name: string;
  /** Default 3000. */
  readonly memoryMiB?: number;
  /** A copy of what another guest's disk differed by from this image: the disk that it begins with. */
  readonly differences?: string;
  /** Writes to the image itself, for making one: what it holds when the guest is shut down, later guests start with. */
  readonly writesToImage?: boolean;
  /** Called with each line of the console, which is also kept in `console.log`. */
  readonly onConsoleLine?: (line: string) => void;
}

/** A disposable host with real dm-crypt, systemd and Docker. */
export interface Guest extends Commands {
  readonly name: string;
  readonly image: GuestImage;
  readonly directory: string;
  /** What a person types in any terminal of the machine to be root in it. */
  readonly enterCommand: string;
  readonly isOn: () => Promise<boolean>;
  /**
   * Makes a port of the guest's 127.0.0.1 reachable; again after each `boot`, under the same number. After
   * a `systemctl reboot` inside it is to be asked for again.
   *
   * @returns the port of the machine's 127.0.0.1.
   */
  readonly forwardFromMachine: (guestPort: number) => Promise<number>;
  /** The guest reaches the machine's 127.0.0.1:machinePort as 10.99.0.1:guestSidePort. */
  readonly offerToGuest: (machinePort: number, guestSidePort: number) => Promise<void>;
  /** Ends it as a power cut does: what it had not written to its disk is lost. */
  readonly powerCut: () => Promise<void>;
  /**
   * Nothing happens in it while `act` runs; what its disk differs by from the image is then what a power cut
   * at this moment would leave.
   */
  readonly holdStill: <Result>(act: (differences: string) => Promise<Result>) => Promise<Result>;
  /** Switches it off as a person does. */
  readonly shutDown: () => Promise<void>;
  /** Switches it on again, with the disk as it was left. */
  readonly boot: () => Promise<void>;
  /** Ends it and removes everything of it from the machine. */
  readonly destroy: () => Promise<void>;
}
