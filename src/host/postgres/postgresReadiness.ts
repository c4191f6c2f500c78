import { lstat } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import { errorCode, ifPresent } from '../failure.js';

const answerWithinMilliseconds = 5_000;
/** Protocol 3.0, as every PostgreSQL since 7.4 speaks it. */
const protocolVersion = 3 << 16;

/**
 * Whether a server in a container takes connections, asked as pg_isready does: by the beginning of a
 * connection, over the server's own Unix socket, which the host sees below the process's root.
 *
 * @param socketDirectory - Where its socket lies.
 * @returns True when it asks who is there, or lets in; false when it is not ready; undefined where there is no such socket.
 */
export function readReadiness({ socketDirectory, user, database }: { readonly socketDirectory: string; readonly user: string; readonly database: string }): Promise<boolean | undefined> {
  return new Promise((resolve) => {
    const socket = connect(`${socketDirectory}/.s.PGSQL.5432`, () => socket.write(startupPacket(user, database)));
    const answer = (ready: boolean | undefined): void => {
      resolve(ready);
      socket.destroy();
    };
    socket.setTimeout(answerWithinMilliseconds, () => answer(false));
    // R: it asks for authentication or says that none is needed; E: it refuses, for example because it is starting up.
    socket.once('data', (bytes) => answer(bytes[0] === 0x52));
    socket.once('close', () => answer(false));
    socket.once('error', (error) => answer(errorCode(error) === 'ENOENT' ? undefined : false));
  });
}

/**
 * The same of the server in a container.
 *
 * @param processId - The container's first process, as the host numbers it.
 */
export async function readContainerReadiness({
  processId,
  procDirectory = '/proc',
  ...connection
}: {
  readonly processId: number;
  readonly user: string;
  readonly database: string;
  readonly procDirectory?: string;
}): Promise<boolean | undefined> {
  for (const directory of socketDirectories) {
    const socketDirectory = join(procDirectory, String(processId), 'root', directory);
    if ((await ifPresent(lstat(socketDirectory))) !== undefined) return readReadiness({ socketDirectory, ...connection });
  }
  return undefined;
}

/** In most images /var/run is a symbolic link to /run, which the host would follow out of the container. */
const socketDirectories = ['run/postgresql', 'var/run/postgresql'];

function startupPacket(user: string, database: string): Buffer {
  // Names and values end in a NUL each, and the list in one more.
  const parameters = Buffer.from(['user', user, 'database', database, 'application_name', 'lockstep', '', ''].join('\0'), 'utf8');
  const head = Buffer.alloc(8);
  head.writeInt32BE(8 + parameters.length, 0);
  head.writeInt32BE(protocolVersion, 4);
  return Buffer.concat([head, parameters]);
}
