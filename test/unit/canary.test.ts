import { chmod, mkdir, open, readdir, readFile, writeFile } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { inspect } from 'node:util';
import { defaultFailureConverter, defaultPayloadConverter } from '@temporalio/common';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { z } from 'zod';
import { stepActivities } from '../../src/activities/activities.js';
import type { Activity } from '../../src/activities/activity.js';
import type { configSchema } from '../../src/config/schema.js';
import { failureTypes } from '../../src/contract/errors.js';
import { createRunActivities } from '../../src/activities/run/run.js';
import { callWith, changing, createEnvironment, createWrapperHarness } from './activities/wrapper/harness.js';
import { assertRoot, withDirectory } from './needsRoot.js';
import { createTurns } from '../../src/activities/wrapper/turns.js';

/** Values that occur nowhere else: where one is found, a secret got out. */
const canaries = {
  operationalPassphrase: 'CANARY-operational-8f3a61-vR9mT4wZ6xK7qP2h',
  recoveryPassphrase: 'CANARY-recovery-c27d90-Lw3nB8sQ5yD1jF6g',
  backupPassphrase: 'CANARY-backup-51be04',
  wrong: 'CANARY-wrong-99d2e7',
  printed: 'CANARY-printed-4d7a13',
  credential: 'CANARY-credential-e6b825',
} as const;

const path = process.env['PATH'] ?? '';
beforeEach(() => assertRoot('a secret file belongs to root'));
afterEach(() => {
  process.env['PATH'] = path;
  delete process.env['TMPDIR'];
});

test('no secret is in a payload, a failure, a heartbeat or any file, whatever a step does with it', () =>
  withDirectory(async (directory) => {
    const host = await createHost(directory);
    const give = (name: keyof typeof canaries, question: string, value: string = canaries[name]) =>
      host.harness.vault.give(name, { value: Buffer.from(value), question, by: 'ann' });

    await host.run('create-volume-file', stepActivities.createVolumeFile, { databaseBytes: 1 });
    await host.run('format-volume', stepActivities.formatVolume);
    give('operationalPassphrase', 'format-volume.secret.1');
    await host.run('format-volume', stepActivities.formatVolume);
    give('recoveryPassphrase', 'add-recovery-key.secret.1', canaries.operationalPassphrase);
    await host.run('add-recovery-key', stepActivities.addRecoveryKey);
    give('recoveryPassphrase', 'add-recovery-key.secret.2');
    await host.run('add-recovery-key', stepActivities.addRecoveryKey);
    await host.run('check-header', stepActivities.assertHeader);
    await host.run('backup-header', stepActivities.backupHeader);
    give('recoveryPassphrase', 'confirm-recovery.secret.1', canaries.wrong);
    await host.run('confirm-recovery', stepActivities.confirmPassphrase, { role: 'recovery' });
    give('recoveryPassphrase', 'confirm-recovery.secret.2');
    await host.run('confirm-recovery', stepActivities.confirmPassphrase, { role: 'recovery' });
    give('operationalPassphrase', 'make-filesystem.secret.1', canaries.wrong);
    await host.run('make-filesystem', stepActivities.makeFilesystem);
    await host.run('fails', changing(async (attempt) => {
      const secret = await attempt.secret('backupPassphrase', 'to encrypt');
      attempt.report({ phase: 'encrypting' });
      await attempt.run('fails-after-reading', ['--passphrase-fd', '3'], { input: secret, secretDescriptors: [secret.toString()] });
    }));
    await host.close();

    expect(host.answers).toEqual([
      'done',
      'SecretNeeded',
      'done',
      'SecretNeeded',
      'done',
      'done',
      'done',
      'SecretNeeded',
      'done',
      expect.any(String),
      'CommandFailed',
    ]);
    // What is searched is there, and the programs were really started with the secrets.
    const seen = await readFile(join(directory, 'seen'), 'latin1');
    expect(seen).toContain('luksFormat');
    expect(seen).toContain('--passphrase-fd');
    expect(await readFile(join(directory, 'received'), 'utf8')).toBe(canaries.backupPassphrase.repeat(2));
    expect(await filesWith(directory)).toEqual(['backup', 'backup.secret', 'bin/prints-secret', 'received']);
    expect(findCanaries(Buffer.from(host.said.join('\n')))).toEqual([]);
  }), 60_000);

test('no secret that a program prints or systemd hands over gets out, whatever that program says and however it ends', () =>
  withDirectory(async (directory) => {
    const host = await createHost(directory, {
      operationalPassphrase: { exec: ['prints-secret', 'well'] },
      recoveryPassphrase: { exec: ['prints-secret', 'badly'] },
      backupPassphrase: 'systemd-credential:backup',
    });
    const use = (name: 'operationalPassphrase' | 'recoveryPassphrase' | 'backupPassphrase') =>
      changing(async (attempt) => {
        const secret = await attempt.secret(name, 'to encrypt');
        await attempt.run('fails-after-reading', ['--passphrase-fd', '3'], { input: secret, secretDescriptors: [secret.toString()] });
      });
    await host.run('uses-printed', use('operationalPassphrase'));
    expect(await readFile(join(directory, 'received'), 'utf8')).toBe(canaries.printed.repeat(2));
    await host.run('refused', use('recoveryPassphrase'));
    await host.run('uses-credential', use('backupPassphrase'));
    expect(await readFile(join(directory, 'received'), 'utf8')).toBe(canaries.credential.repeat(2));
    await host.run('wrong', changing((attempt) => Promise.resolve(attempt.refuseSecret('operationalPassphrase', 'it opens nothing'))));
    await host.close();

    expect(host.answers).toEqual(['CommandFailed', 'Transient', 'CommandFailed', failureTypes.permanent]);
    expect(await readFile(join(directory, 'seen'), 'latin1')).toContain('prints-secret');
    expect(await filesWith(directory)).toEqual(['backup', 'backup.secret', 'bin/prints-secret', 'received']);
    expect(findCanaries(Buffer.from(host.said.join('\n')))).toEqual([]);
  }));

test.each(['plain', 'base64', 'hex'])('a secret that got out is found: %s', (encoding) =>
  withDirectory(async (directory) => {
    const value = canaries.recoveryPassphrase;
    await mkdir(join(directory, 'state'));
    await writeFile(join(directory, 'state', 'leak'), `x${encoding === 'plain' ? value : Buffer.from(value).toString(encoding as BufferEncoding)}x`);
    expect(await filesWith(directory)).toEqual(['state/leak']);
  }),
);

/** A host whose programs write down how they were called, before they do their work. */
async function createHost(directory: string, secrets?: z.input<typeof configSchema>['secrets']) {
  const programs = join(directory, 'bin');
  await mkdir(programs);
  const looksAtItself = `#!/bin/sh\ncat /proc/$$/cmdline /proc/$$/environ >> '${directory}/seen'\n`;
  const program = async (name: string, rest: string) => {
    await writeFile(join(programs, name), looksAtItself + rest);
    await chmod(join(programs, name), 0o755);
  };
  // The device mapper is not needed for what is done here, and not on every machine.
  await program('cryptsetup', `if [ "$1" = status ]; then echo "$2 is inactive."; exit 4; fi\nPATH='${path}' exec cryptsetup "$@"\n`);
  await program('fails-after-reading', `cat > '${directory}/received'\ncat <&3 >> '${directory}/received'\necho 'no space left' >&2\nexit 2\n`);
  await program('prints-secret', `echo '${canaries.printed}'\nif [ "$1" = badly ]; then echo '${canaries.printed}' >&2; exit 1; fi\n`);
  process.env['PATH'] = [programs, path].join(delimiter);
  process.env['TMPDIR'] = directory;

  const secretFile = join(directory, 'backup.secret');
  await writeFile(secretFile, canaries.backupPassphrase, { mode: 0o600 });
  await writeFile(join(directory, 'backup'), canaries.credential, { mode: 0o400 });
  const harness = createWrapperHarness(directory, {
    secrets: secrets ?? { backupPassphrase: `file:${secretFile}` },
    credentialsDirectory: directory,
    volume: {
      file: join(directory, 'volume.img'),
      mountPoint: join(directory, 'mnt'),
      minimumSizeMiB: 64,
      argon2id: { memoryKiB: 32768, minimumMemoryKiB: 32, parallel: 1, iterationMilliseconds: 100 },
    },
  });
  await harness.claim();

  const said: string[] = [];
  const answers: string[] = [];
  const run = async (node: string, activity: Activity<never, unknown>, args?: unknown) => {
    const environment = createEnvironment();
    environment.on('heartbeat', (details: unknown) => said.push(JSON.stringify(details)));
    try {
      const result = await harness.run(activity, { call: callWith({ node }), args, environment });
      said.push(JSON.stringify(defaultPayloadConverter.toPayload(result)), inspect(result, { depth: Infinity }));
      answers.push('done');
    } catch (error) {
      const failure = defaultFailureConverter.errorToFailure(error, defaultPayloadConverter);
      said.push(JSON.stringify(failure), inspect(error, { depth: Infinity, showHidden: true }));
      answers.push(failure.applicationFailureInfo?.type ?? String(error));
    }
  };
  const { closeRun } = createRunActivities({
    lockstepVersion: '0.0.0',
    configDigest: () => Promise.resolve(''),
    bootId: () => Promise.resolve('boot-1'),
    endLeftovers: () => Promise.resolve(),
    ensure: () => Promise.resolve(),
    turns: createTurns(),
    forgetSecrets: () => undefined,
    isRunning: () => Promise.resolve(false),
  });
  return {
    harness,
    said,
    answers,
    run,
    close: () => harness.run(closeRun, { call: callWith({ node: 'close-run' }), args: { state: 'succeeded', outcome: 'done', summary: [] } }),
  };
}

/** Paths of the files in which a canary is found, in whatever way it may have been written. */
async function filesWith(directory: string): Promise<readonly string[]> {
  const found: string[] = [];
  for (const entry of await readdir(directory, { recursive: true, withFileTypes: true })) {
    const file = join(entry.parentPath, entry.name);
    if (entry.isFile() && findCanaries(await readStart(file)).length > 0) found.push(file.slice(directory.length + 1));
  }
  return found.sort();
}

/** As far as the header of a volume reaches; all of what comes after it is zero. */
async function readStart(file: string): Promise<Buffer> {
  const handle = await open(file);
  try {
    const { buffer, bytesRead } = await handle.read({ buffer: Buffer.alloc(17 * 1024 * 1024) });
    return buffer.subarray(0, bytesRead);
  } finally {
    await handle.close();
  }
}

function findCanaries(content: Buffer): readonly string[] {
  return Object.values(canaries).filter((value) =>
    [value, Buffer.from(value).toString('base64').replace(/=+$/, ''), Buffer.from(value).toString('hex')].some((form) => content.includes(form)),
  );
}
