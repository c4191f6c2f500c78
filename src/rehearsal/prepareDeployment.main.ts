import { createRun } from '../host/processes/runner.js';
import { ensureDeploymentFiles, deployment } from './deployment/files.js';
import { ensureSampleData, parseSizeBytes } from './deployment/sampleData.js';

/** Runs inside the disposable host: brings the plan's deployment up and fills it. Takes the size, or nothing. */
const [size] = process.argv.slice(2);
// The host is thrown away and has no secrets: what failed may be read in full.
const run = createRun({ onFailure: ({ stderr }) => process.stderr.write(stderr) });
const compose = (...args: readonly string[]) =>
  run('docker', ['compose', ...args], { cwd: deployment.directory, timeout: 'service' });

await ensureDeploymentFiles();
await compose('up', '--detach', '--wait');
const filled = await ensureSampleData({
  psql: async (sql) => {
    const args = ['exec', '--interactive', deployment.databaseContainer, 'psql', '-qAtX', '-v', 'ON_ERROR_STOP=1'];
    const { stdout } = await run('docker', [...args, '-U', deployment.databaseUser, '-d', deployment.databaseName], {
      input: sql,
      timeout: 'unlimited',
    });
    return stdout;
  },
  ...(size === undefined ? {} : { sizeBytes: parseSizeBytes(size) }),
});
process.stdout.write(`${JSON.stringify(filled)}\n`);
