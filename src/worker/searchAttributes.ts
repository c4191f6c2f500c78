import { setTimeout as sleep } from 'node:timers/promises';
import type { Connection } from '@temporalio/client';
import proto from '@temporalio/proto';
import { PermanentFailure } from '../contract/errors.js';
import { searchAttributeNames } from '../contract/names.js';

const { IndexedValueType } = proto.temporal.api.enums.v1;

/** A server caches what it knows of a namespace; the real stack takes some seconds to learn of a new attribute. */
const patienceSeconds = 30;

/**
 * Registers Lockstep's search attributes where they are missing, also on a server whose database is
 * older than they are. A run that sets one which the server does not know would have its workflow task
 * retried for ever, hence a worker calls this before it polls.
 *
 * @returns The names that had to be added.
 * @throws {@link PermanentFailure} where one exists with another type.
 * @throws Error where the server does not show them within half a minute.
 */
export async function ensureSearchAttributes(connection: Connection, namespace: string): Promise<readonly string[]> {
  const missing = missingFrom(await read(connection, namespace));
  if (missing.length === 0) return [];
  await connection.operatorService.addSearchAttributes({
    namespace,
    searchAttributes: Object.fromEntries(missing.map((name) => [name, IndexedValueType.INDEXED_VALUE_TYPE_KEYWORD])),
  });
  for (let waitedSeconds = 0; waitedSeconds < patienceSeconds; waitedSeconds += 0.1) {
    if (missingFrom(await read(connection, namespace)).length === 0) return missing;
    await sleep(100);
  }
  throw new Error(
    `namespace ${namespace} does not show the search attributes ${missing.join(', ')} ${patienceSeconds} s after they were added; add them with "temporal operator search-attribute create" and start the worker again`,
  );
}

type Attributes = Readonly<Record<string, proto.temporal.api.enums.v1.IndexedValueType>>;

async function read(connection: Connection, namespace: string): Promise<Attributes> {
  const { customAttributes } = await connection.operatorService.listSearchAttributes({ namespace });
  return customAttributes;
}

function missingFrom(known: Attributes): string[] {
  const names = Object.values(searchAttributeNames);
  for (const name of names) {
    const type = known[name];
    if (type !== undefined && type !== IndexedValueType.INDEXED_VALUE_TYPE_KEYWORD) {
      throw new PermanentFailure(
        `search attribute ${name} exists with type ${IndexedValueType[type]} and has to be KEYWORD`,
        `remove it with "temporal operator search-attribute remove --name ${name}" or use another namespace`,
      );
    }
  }
  return names.filter((name) => known[name] === undefined);
}
