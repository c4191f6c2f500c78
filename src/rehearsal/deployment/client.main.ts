import { existsSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { clientAccount } from './accounts.js';
import { openJournal, readJournal } from './client/journal.js';
import { sendOperations } from './client/sending.js';
import { createService } from './client/service.js';
import { isIntact, verifyOperations } from './client/verification.js';

const usage = `client.main.js run    --journal FILE [--url URL] [--stop-file FILE] [--email EMAIL --password PASSWORD]
client.main.js verify --journal FILE [--url URL] [--email EMAIL --password PASSWORD]
`;

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: {
    journal: { type: 'string' },
    url: { type: 'string', default: 'http://127.0.0.1:1900' },
    'stop-file': { type: 'string' },
    email: { type: 'string', default: clientAccount.email },
    password: { type: 'string', default: clientAccount.password },
  },
});
const { journal: journalFile, 'stop-file': stopFile } = values;
const service = createService({ url: values.url, account: { email: values.email, password: values.password } });

if (journalFile === undefined || positionals.length !== 1) failUsage();
else if (positionals[0] === 'run') await run(journalFile);
else if (positionals[0] === 'verify') await verify(journalFile);
else failUsage();

/** Sends until SIGTERM, SIGINT or the stop file, then prints what the journal says. */
async function run(file: string): Promise<void> {
  const stop = new AbortController();
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => stop.abort());
  const journal = await openJournal(file);
  try {
    const summary = await sendOperations({
      service,
      journal,
      stop: stop.signal,
      shouldStop: () => Promise.resolve(stopFile !== undefined && existsSync(stopFile)),
    });
    print(summary);
  } finally {
    await journal.close();
  }
}

/** Prints what became of the journal's operations; exits with 1 when one is missing, doubled or changed. */
async function verify(file: string): Promise<void> {
  const verification = await verifyOperations({ service, entries: await readJournal(file) });
  print(verification);
  if (!isIntact(verification)) process.exitCode = 1;
}

function print(value: unknown): void {
  process.stdout.write(`${JSON.stringify(value)}\n`);
}

function failUsage(): void {
  process.stderr.write(usage);
  process.exitCode = 2;
}
