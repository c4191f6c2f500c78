import { formatBytes, formatCount, formatSeconds, type Facts } from '../../contract/facts.js';
import type { View } from '../engine/nodes.js';
import { copyData, verifyCopy, verifyRows } from './copy.js';
import { fullBackup } from './dayBefore.js';
import { endMaintenance, keysAtEnd } from './resume.js';
import { backupHeader, checkHeader } from '../volume/create.js';

/** What a person wants to know at the end of a migration; only what was measured. */
export function summariseMigration({ from }: View, has: (step: { readonly id: string }) => boolean): Facts {
  const atEnd = has(keysAtEnd) ? from(keysAtEnd) : undefined;
  const facts: (readonly [string, string])[] = [];
  if (has(endMaintenance)) facts.push(['users were offline', formatSeconds(from(endMaintenance).offlineSeconds)]);
  if (has(copyData)) {
    const { sizeBytes, files, bytesPerSecond } = from(copyData);
    facts.push(['copied', `${formatBytes(sizeBytes)} in ${formatCount(files)} files, ${formatBytes(bytesPerSecond)}/s`]);
  }
  if (has(verifyCopy)) facts.push(['digests equal', `${formatCount(from(verifyCopy).equalDigests)} of ${formatCount(from(verifyCopy).sourceFiles)} files`]);
  if (has(verifyRows)) facts.push(['rows equal', `${formatCount(from(verifyRows).rows)} in ${formatCount(from(verifyRows).tables)} tables`]);
  if (has(checkHeader)) {
    const { cipher, keySizeBits, roles } = from(checkHeader);
    facts.push(['cipher', `${cipher}, ${keySizeBits} bits`]);
    const made = roles.map(({ role, slots }) => `${slots.join(' ')} ${role}`);
    facts.push(['key slots', (atEnd?.slots.map(({ slot, role }) => `${slot} ${role}`) ?? made).join(', ')]);
  }
  if (has(fullBackup)) facts.push(['backup', from(fullBackup).file]);
  if (has(backupHeader)) facts.push(['header backup', atEnd?.headerBackup ?? from(backupHeader).file]);
  return facts;
}
