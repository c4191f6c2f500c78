import type { Guest } from '../../src/rehearsal/guest/index.js';
import { projectRoot } from '../../src/rehearsal/guest/index.js';

/** The folder in the host's memory in which samples are kept; a search of that memory leaves it out. */
export const samplesFolder = 'lockstep-process-samples';
const samplesFile = `/run/${samplesFolder}/seen`;

/** Notes, until the host goes off, every argument and every variable that any of its processes has; each once. */
export async function startSampling(guest: Guest): Promise<void> {
  await guest.expect('mkdir', ['-p', `/run/${samplesFolder}`]);
  await guest.expect('systemd-run', ['--quiet', '--unit=process-samples', process.execPath, `${projectRoot()}/test/e2e/sampleProcesses.mjs`, samplesFile]);
  await guest.expect('sh', ['-c', `until test -s ${samplesFile}; do sleep 0.1; done`]);
}

/** What was noted so far. */
export async function readSamples(guest: Guest): Promise<string> {
  return (await guest.getFile(samplesFile)).toString('latin1');
}
