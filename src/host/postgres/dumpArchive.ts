/** What a dump holds of one database. */
export interface DumpedDatabase {
  /** As the dump tells it; absent in a plain one, where no `\connect` does. */
  readonly name?: string;
  /** Every table that it creates or fills, as `schema.name`; without partitioned ones, which have no rows of their own. */
  readonly tables: readonly string[];
}

/** How pg_dump numbers its formats (`ArchiveFormat` of pg_backup.h); a directory's table of contents calls itself a tar's (pg_backup_directory.c). */
const formatNumbers = { custom: 1, tar: 3 } as const;
const oldestMinor = 12;
const newestMinor = 16;
/** A tar's header is one block; the member's size stands in it in octal digits (POSIX, pax: ustar). */
const tarBlockBytes = 512;

/** Thrown where an archive does not show all that it holds; the message says why, for a person. */
export class UnclearDump extends Error {}

/** @returns Where an archive's table of contents begins in what a file begins with; undefined where it is no archive of pg_dump. */
export function findArchive(head: Buffer): 'at the beginning' | 'in a tar' | undefined {
  if (isMark(head, 0)) return 'at the beginning';
  return isMark(head, tarBlockBytes) ? 'in a tar' : undefined;
}

/**
 * The database that an archive is of, and every table that it creates or fills, from its table of contents
 * (`WriteHead` and `WriteToc` of pg_backup_archiver.c; versions 1.12 to 1.16, of PostgreSQL 9.0 to 18).
 *
 * @param content - The file from its beginning, with the whole table of contents in it.
 * @throws {@link UnclearDump} where not all of it can be read.
 */
export function readArchive(content: Buffer): DumpedDatabase {
  const inTar = findArchive(content) === 'in a tar';
  // Any tar whose first member is an archive has the mark there; the others of its members would be nobody's dump.
  if (inTar && textOf(content, 0, 100) !== 'toc.dat') throw new UnclearDump('it is a tar that holds a dump, and maybe more: look into it');
  try {
    return parseArchive(inTar ? content.subarray(tarBlockBytes, tarBlockBytes + Number.parseInt(textOf(content, 124, 12), 8)) : content, inTar ? 'tar' : 'custom');
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw new UnclearDump('its table of contents is cut off, or not understood: look into it with pg_restore --list');
  }
}

function parseArchive(bytes: Buffer, wanted: 'custom' | 'tar'): DumpedDatabase {
  const reader = createReader(bytes);
  reader.skip(5);
  const [major, minor] = [reader.byte(), reader.byte()];
  if (major !== 1 || minor < oldestMinor || minor > newestMinor) throw new UnclearDump(`it is an archive of version ${major}.${minor}, which is not understood: look into it with pg_restore --list`);
  reader.skip(1);
  reader.sizes = { integer: reader.byte(), offset: reader.byte() };
  const format = reader.byte();
  if (wanted === 'custom' && format === formatNumbers.tar) throw new UnclearDump("it is the table of contents of a dump whose rows lie in files beside it: remove their directory yourself, if it is this database's");
  if (format !== formatNumbers[wanted]) throw new UnclearDump('it is an archive of a format that is not understood: look into it with pg_restore --list');
  if (minor >= 15) reader.skip(1);
  else reader.integer();
  // Seconds to years, and whether it was summer time.
  for (let field = 0; field < 7; field += 1) reader.integer();
  const name = reader.string() ?? '';
  // The versions of the server and of pg_dump.
  for (let field = 0; field < 2; field += 1) reader.string();
  const tables = new Set<string>();
  const partitioned = new Set<string>();
  for (let left = reader.integer(); left > 0; left -= 1) {
    const { description, schema, tag, definition } = readEntry(reader, minor, wanted);
    const table = schema === '' ? tag : `${schema}.${tag}`;
    // It has no rows of its own.
    if (description === 'TABLE' && definition.includes('\nPARTITION BY ')) partitioned.add(table);
    if (description === 'TABLE' || description === 'TABLE DATA') tables.add(table);
  }
  return { name, tables: [...tables].filter((table) => !partitioned.has(table)) };
}

type Reader = ReturnType<typeof createReader>;

function readEntry(reader: Reader, minor: number, format: 'custom' | 'tar') {
  // Its number in the dump, whether it has data, and two object ids.
  for (let field = 0; field < 2; field += 1) reader.integer();
  for (let field = 0; field < 2; field += 1) reader.string();
  const tag = reader.string() ?? '';
  const description = reader.string() ?? '';
  if (!/^[A-Z][A-Z ]*$/.test(description)) throw new RangeError(`an entry is of the kind "${description}"`);
  reader.integer();
  const definition = reader.string() ?? '';
  for (let field = 0; field < 2; field += 1) reader.string();
  const schema = reader.string() ?? '';
  // Tablespace, access method, kind of relation, owner, object ids as a column.
  reader.string();
  if (minor >= 14) reader.string();
  if (minor >= 16) reader.integer();
  for (let field = 0; field < 2; field += 1) reader.string();
  while (reader.string() !== undefined);
  if (format === 'custom') reader.skip(1 + reader.sizes.offset);
  else reader.string();
  return { tag, description, definition, schema };
}

/** Numbers are a sign and their bytes, the lowest first; strings are led by their length, which is -1 for none. */
function createReader(bytes: Buffer) {
  let at = 0;
  const take = (length: number) => {
    if (length < 0 || at + length > bytes.length) throw new RangeError('it ends within a field');
    at += length;
    return bytes.subarray(at - length, at);
  };
  const reader = {
    sizes: { integer: 4, offset: 8 },
    skip: (length: number) => void take(length),
    byte: () => take(1).readUInt8(),
    integer: () => {
      const [sign, ...digits] = take(1 + reader.sizes.integer);
      const value = digits.reduceRight((sum, digit) => sum * 256 + digit, 0);
      return sign === 0 ? value : -value;
    },
    string: () => {
      const length = reader.integer();
      return length < 0 ? undefined : take(length).toString('utf8');
    },
  };
  return reader;
}

function isMark(content: Buffer, at: number): boolean {
  return content.subarray(at, at + 5).toString('latin1') === 'PGDMP';
}

function textOf(content: Buffer, at: number, length: number): string {
  return content.subarray(at, at + length).toString('latin1').replace(/[\0 ].*$/s, '');
}
