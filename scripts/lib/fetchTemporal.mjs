// Finds or fetches the Temporal server in the way that the worker does, and names it.
import { readEnvironment } from '../../dist/config/environment.js';
import { createRun } from '../../dist/host/processes/runner.js';
import { findTemporalProgram } from '../../dist/worker/temporalProgram.js';

const { cacheDirectory } = readEnvironment();
const { path, from, version } = await findTemporalProgram(createRun(), cacheDirectory, (message) => process.stdout.write(`${message}\n`));
process.stdout.write(`${path}: ${version}, ${from}\n`);
