import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { readPostmaster } from '../../../../src/host/postgres/postmaster.js';
import { withDirectory } from '../../needsRoot.js';

const lines = (address: string, state: string) => ['42', '/var/lib/postgresql/data', '1777777777', '5432', '/var/run/postgresql', address, '  5432001    32768', state, ''].join('\n');

test('a server is ready when its lock file says so, and the one of an initialisation has no address', () =>
  withDirectory(async (directory) => {
    expect(await readPostmaster({ directory })).toBeUndefined();
    const read = async (text: string) => {
      await writeFile(join(directory, 'postmaster.pid'), text);
      return readPostmaster({ directory });
    };
    expect(await read(lines('*', 'ready   '))).toEqual({ isReady: true, listenAddress: '*' });
    expect(await read(lines('', 'ready   '))).toEqual({ isReady: true, listenAddress: '' });
    expect(await read(lines('*', 'starting'))).toEqual({ isReady: false, listenAddress: '*' });
    expect(await read('42\n')).toEqual({ isReady: false, listenAddress: '' });
  }));
