import { expect, it } from 'vitest';
import { kernelArguments } from '../../../../src/rehearsal/guest/kernel.js';

const settings = { name: 'trial', memoryMiB: 512, disk: '/images/disk.ext4', stateDirectory: '/run/trial' };

it('lays the differences over an image, and names the image itself only where it is to be written', () => {
  expect(kernelArguments({ ...settings, copyOnWrite: '/guest/disk.cow' })).toContain('ubda=/guest/disk.cow,/images/disk.ext4');
  expect(kernelArguments(settings)).toContain('ubda=/images/disk.ext4');
});

it("keeps the kernel's own files where they are removed, not in root's home", () => {
  expect(kernelArguments(settings)).toContain('uml_dir=/run/trial/');
});
