import { dirname, join } from 'node:path';
import { hostFiles } from '../../src/rehearsal/hostConfig.js';
import type { Rehearsal } from '../../src/rehearsal/rehearsal.js';
import { channelSecretsFolder, programFile } from './alertReceivers.js';
import type { Canaries, CanaryScan } from './canaries.js';
import { readSamples, samplesFolder } from './processSamples.js';

/** Decoys for those places into which no run brings one by itself. */
export const plantedNames = ['argument', 'variable', 'inRun', 'inShm', 'inTmp', 'deleted', 'deletedBase64', 'deletedHexadecimal'] as const;

/** Leaves one in each: in a process of a moment, in files in memory, and on the disk in a file that is gone again. */
export async function plantDecoys({ guest }: Rehearsal, decoys: Canaries<(typeof plantedNames)[number]>): Promise<void> {
  await guest.exec('sh', ['-c', 'sleep 0.3; :', decoys.argument], { env: { LOCKSTEP_DECOY: decoys.variable } });
  for (const [folder, decoy] of [['/run', decoys.inRun], ['/dev/shm', decoys.inShm], ['/tmp', decoys.inTmp]] as const) await guest.putFile({ content: decoy, to: `${folder}/lockstep-decoy` });
  const content = [decoys.deleted, Buffer.from(decoys.deletedBase64).toString('base64'), Buffer.from(decoys.deletedHexadecimal).toString('hex')].join('\n');
  await guest.putFile({ content, to: '/var/tmp/lockstep-decoy' });
  await guest.expect('sh', ['-c', 'sync && rm /var/tmp/lockstep-decoy && sync']);
}

/** Searches what is on a host that runs. */
export async function searchRunningHost(scan: CanaryScan, { guest }: Rehearsal): Promise<void> {
  await scan.inGuest('state directory', guest, [hostFiles.state]);
  await scan.inGuest('audit log', guest, ['/var/log/luks-audit.log']);
  await scan.inGuest('program of alerts', guest, [programFile]);
  await scan.inGuest('files in memory', guest, ['/run', '/dev/shm', '/tmp'], [samplesFolder, channelSecretsFolder, 'netns']);
  scan.inData('system journal', (await guest.exec('journalctl', ['--no-pager', '--output=export'], { timeoutSeconds: 300 })).stdout);
}

/**
 * Cuts the host's power, and searches what is left: its disk as it is, also where no file is any more, what its processes
 * were started with, and all that the server has.
 *
 * @returns What was seen of processes, and the runbooks whose histories were searched.
 */
export async function searchAfterPowerCut(scan: CanaryScan, { guest, client }: Rehearsal): Promise<{ readonly processes: string; readonly runbooks: readonly string[] }> {
  const processes = await readSamples(guest);
  await guest.powerCut();
  scan.inData('arguments and variables', processes);
  const runbooks = new Set<string>();
  for await (const { type, workflowId, runId, memo } of client.workflow.list()) {
    runbooks.add(type);
    scan.inData('histories', [memo, await client.workflow.getHandle(workflowId, runId).fetchHistory()]);
  }
  await scan.onMachine("server's database", join(dirname(guest.directory), 'temporal'));
  await scan.onMachine('disk', join(guest.directory, 'disk.cow'));
  return { processes, runbooks: [...runbooks].sort() };
}
