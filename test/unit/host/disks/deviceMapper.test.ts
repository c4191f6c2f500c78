import { expect, test } from 'vitest';
import { createDeviceMapper } from '../../../../src/host/disks/deviceMapper.js';
import { createFakeRun } from '../../fakeRun.js';

const targetsIn = (answer: string) => createDeviceMapper({ run: createFakeRun([{ file: 'dmsetup', args: ['status', 'vol'], answer }]) }).readTargets({ name: 'vol' });

test('what a device is made of is read from its status, which holds no key', async () => {
  expect(await targetsIn('0 1015808 crypt \n')).toEqual(['crypt']);
  expect(await targetsIn('0 1000 linear \n1000 500 crypt \n')).toEqual(['linear', 'crypt']);
  expect(await targetsIn('')).toEqual([]);
});
