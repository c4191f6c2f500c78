import { writeFile } from 'node:fs/promises';
import { codeFileOf, loadScript } from '../../dist/bin/loadScript.js';

const [name] = process.argv.slice(2);
const { exports, script } = loadScript(name);
// Only what has run is compiled.
await exports.prepare();
await writeFile(codeFileOf(name), script.createCachedData());
