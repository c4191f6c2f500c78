import { createReadStream } from 'node:fs';
import { open } from 'node:fs/promises';
import { createGunzip } from 'node:zlib';
import { findArchive, readArchive, UnclearDump, type DumpedDatabase } from './dumpArchive.js';
import { errorCode } from '../failure.js';

/** Archives of thousands of tables have tables of contents of some MiB. */
const mostOfArchiveBytes = 64 * 1024 * 1024;
/** Of a line no more is looked at: rows may be large. The names of 1,600 columns fit in it. */
const mostOfLineBytes = 128 * 1024;

const blockBytes = 1024 * 1024;

const identifier = String.raw`(?:"(?:[^"]|"")*"|[^\s".,(;]+)`;
const namesTable = new RegExp(String.raw`^(CREATE (?:UNLOGGED )?TABLE (?:IF NOT EXISTS )?|COPY |INSERT INTO )(${identifier}(?:\.${identifier})?)`);

/**
 * Reads a dump of pg_dump or pg_dumpall, packed by gzip or not: a plain one to its end, since another
 * database may follow in it, and an archive's table of contents.
 *
 * @param path - A file that was recognised as a dump.
 * @throws {@link UnclearDump} where not all is shown that it holds.
 */
export async function readDump({ path, signal }: { readonly path: string; readonly signal?: AbortSignal }): Promise<readonly DumpedDatabase[]> {
  try {
    const head = await readBeginning(path, 1024, signal);
    if (findArchive(head) !== undefined) return [readArchive(await readBeginning(path, mostOfArchiveBytes, signal))];
    return await readPlain(readContent(path, signal));
  } catch (error) {
    if (errorCode(error)?.startsWith('Z_') === true) throw new UnclearDump('it cannot be unpacked to its end: look into it');
    throw error;
  }
}

async function readPlain(content: AsyncIterable<Buffer>): Promise<readonly DumpedDatabase[]> {
  const databases: { name?: string; readonly tables: Set<string>; readonly partitioned: Set<string> }[] = [];
  const begin = (name: string | undefined) => databases.push({ ...(name === undefined ? {} : { name }), tables: new Set(), partitioned: new Set() });
  begin(undefined);
  let isRow = false;
  let created = '';
  for await (const line of lineBeginnings(content)) {
    if (isRow) {
      isRow = line !== String.raw`\.`;
      continue;
    }
    // Also before pg_dumpall's next database, and where a second dump was appended: whose it is has to be told anew.
    if (line === '-- PostgreSQL database dump') begin(undefined);
    const connected = /^\\connect (?:-reuse-previous=\w+ )?(.+)$/.exec(line)?.[1];
    if (connected !== undefined) begin(toDatabaseName(connected));
    if (/^\)? ?PARTITION BY /.test(line)) databases.at(-1)?.partitioned.add(created);
    const [, statement, name] = namesTable.exec(line) ?? [];
    if (statement === undefined || name === undefined) continue;
    const table = toPlainName(name);
    databases.at(-1)?.tables.add(table);
    if (statement.startsWith('CREATE')) created = table;
    isRow = statement === 'COPY ' && line.endsWith(' FROM stdin;');
  }
  return databases
    .map(({ name, tables, partitioned }) => ({ ...(name === undefined ? {} : { name }), tables: [...tables].filter((table) => !partitioned.has(table)) }))
    .filter(({ name, tables }) => name !== undefined || tables.length > 0);
}

/** Without the quotes of SQL. */
function toPlainName(name: string): string {
  return name.replaceAll(/"((?:[^"]|"")*)"/g, (_, quoted: string) => quoted.replaceAll('""', '"'));
}

/** Names that are not plain stand in a connection string, which stands in quotes itself. */
function toDatabaseName(connected: string): string {
  const inString = /^"dbname='(.*)'"$/.exec(connected)?.[1];
  return inString === undefined ? toPlainName(connected.trim()) : inString.replaceAll(/\\(.)/g, '$1').replaceAll('""', '"');
}

/** Each line's beginning, without its end. */
async function* lineBeginnings(content: AsyncIterable<Buffer>): AsyncGenerator<string> {
  let parts: Buffer[] = [];
  let keptBytes = 0;
  const keep = (part: Buffer) => {
    const kept = part.subarray(0, Math.max(0, mostOfLineBytes - keptBytes));
    if (kept.length > 0) parts.push(kept);
    keptBytes += kept.length;
  };
  const toLine = () => {
    const line = Buffer.concat(parts).toString('utf8').replace(/\r$/, '');
    parts = [];
    keptBytes = 0;
    return line;
  };
  for await (const chunk of content) {
    let from = 0;
    for (let end = chunk.indexOf(10); end >= 0; end = chunk.indexOf(10, from)) {
      keep(chunk.subarray(from, end));
      from = end + 1;
      yield toLine();
    }
    keep(chunk.subarray(from));
  }
  yield toLine();
}

async function readBeginning(path: string, mostBytes: number, signal: AbortSignal | undefined): Promise<Buffer> {
  const parts: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of readContent(path, signal)) {
    parts.push(chunk);
    bytes += chunk.length;
    if (bytes >= mostBytes) break;
  }
  return Buffer.concat(parts);
}

/** As it was before gzip, where it begins as gzip does. */
async function* readContent(path: string, signal: AbortSignal | undefined): AsyncGenerator<Buffer> {
  const isPacked = await beginsAsGzip(path);
  const file = createReadStream(path, { highWaterMark: blockBytes });
  const unpacked = isPacked ? createGunzip({ chunkSize: blockBytes }) : undefined;
  // A pipe carries no errors on.
  if (unpacked !== undefined) file.on('error', (error) => unpacked.destroy(error)).pipe(unpacked);
  try {
    for await (const block of (unpacked ?? file) as AsyncIterable<Buffer>) {
      signal?.throwIfAborted();
      yield block;
    }
  } finally {
    unpacked?.destroy();
    file.destroy();
  }
}

async function beginsAsGzip(path: string): Promise<boolean> {
  const file = await open(path, 'r');
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(2), 0, 2, 0);
    return bytesRead === 2 && buffer.readUInt16BE(0) === 0x1f8b;
  } finally {
    await file.close();
  }
}
