import { expect, it } from 'vitest';
import { chooseMemoryDirectory } from '../../../../src/rehearsal/guest/machine.js';

it("keeps a guest's memory in memory only where it has room", async () => {
  expect(await chooseMemoryDirectory(1, '/srv/guest', '/')).toBe('/');
  expect(await chooseMemoryDirectory(1024 ** 3, '/srv/guest', '/')).toBe('/srv/guest');
});
