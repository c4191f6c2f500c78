import { expect, test } from 'vitest';
import { renderKeyHolders } from '../../../../src/cli/docs/renderKeyHolders.js';
import { configSchema } from '../../../../src/config/schema.js';
import { completePeople } from '../../config/people.js';

const table = (people?: unknown) => renderKeyHolders(configSchema.parse({ host: 'db1', people }).people);

test("is the plan's table, with no telephone number in it", () => {
  expect(table(completePeople)).toBe(`| Name | Role | Operational | Recovery | MFA |
|---|---|---|---|---|
| first | Primary Admin | ✅ | ✅ | ✅ |
| second | Backup Admin | ✅ | ✅ | ✅ |
| third | Emergency Contact | ❌ | ✅ | ✅ |`);
});

test('a name is text and nothing else', () => {
  expect(table({ keyHolders: [{ name: 'A | *B*', role: '[x](y) <z>' }] })).toContain(String.raw`| A \| \*B\* | \[x\](y) \<z\> | ❌ | ❌ | ❌ |`);
});

test('nobody is said to be nobody', () => {
  expect(table()).toBe('Nobody is named yet: see `people.keyHolders` in lockstep.yaml.');
});
