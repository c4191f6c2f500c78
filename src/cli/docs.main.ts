import { mkdir, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { renderSample } from '../config/sample.js';
import { describeRunbook } from '../workflows/describe.js';
import { renderRunbookPage } from './docs/renderRunbookPage.js';
import { runbooks } from './runbooks.js';

/** Run by `npm run docs`: writes the pages that are made from the code, and no others. */
const pathOf = (name: string): string => fileURLToPath(new URL(`../../docs/${name}`, import.meta.url));

await mkdir(pathOf('runbooks'), { recursive: true });
await writeFile(pathOf('lockstep.sample.yaml'), renderSample());
for (const runbook of runbooks) await writeFile(pathOf(`runbooks/${runbook.name}.md`), renderRunbookPage(describeRunbook(runbook)));
