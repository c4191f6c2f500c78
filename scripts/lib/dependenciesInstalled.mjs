// Exits with 0 when node_modules holds what package-lock.json names. `npm ls` would take seconds.
import { existsSync, readFileSync } from 'node:fs';

const installedLock = 'node_modules/.package-lock.json';
const read = (file) => Object.entries(JSON.parse(readFileSync(file, 'utf8')).packages);

const installed = existsSync(installedLock) ? new Map(read(installedLock)) : new Map();
const missing = read('package-lock.json').filter(
  ([path, { version, optional }]) => path !== '' && optional !== true && installed.get(path)?.version !== version,
);
process.exitCode = missing.length === 0 ? 0 : 1;
