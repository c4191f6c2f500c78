import { mkdtemp, rm } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { testAccount, type Account } from '../../../../src/rehearsal/deployment/accounts.js';
import { createDatabase } from '../../../../src/rehearsal/deployment/application/database.js';
import { createApplication } from '../../../../src/rehearsal/deployment/application/server.js';

/** The application in this process, on a loopback port. */
export interface StartedApplication {
  readonly url: string;
  readonly maintenanceFile: string;
  readonly log: readonly string[];
  call(method: string, path: string, options?: { token?: string; body?: unknown }): Promise<{ status: number; body: Record<string, unknown> }>;
  login(account: Account): Promise<string>;
  remove(): Promise<void>;
}

/** Starts the application on a database. */
export async function startApplication(databaseUrl: string): Promise<StartedApplication> {
  const directory = await mkdtemp(join(tmpdir(), 'lockstep-application-'));
  const maintenanceFile = join(directory, 'on');
  const log: string[] = [];
  const note = (level: string, message: string) => void log.push(`${level} ${message}`);
  const database = createDatabase({ url: databaseUrl, log: note });
  const settings = { tokenSecret: 'for a test', maintenanceFile, testAccount: testAccount.email };
  const server = createApplication({ settings, database, log: note });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;

  const application: StartedApplication = {
    url,
    maintenanceFile,
    log,
    call: async (method, path, { token, body } = {}) => {
      const response = await fetch(new URL(path, url), {
        method,
        headers: token === undefined ? {} : { authorization: `Bearer ${token}` },
        ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
      });
      return { status: response.status, body: (await response.json()) as Record<string, unknown> };
    },
    login: async (account) => {
      const { status, body } = await application.call('POST', '/auth/login', { body: account });
      if (status !== 200) throw new Error(`login answered ${status}`);
      return body['token'] as string;
    },
    remove: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
      await database.close();
      await rm(directory, { recursive: true, force: true });
    },
  };
  return application;
}
