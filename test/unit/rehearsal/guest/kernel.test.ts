import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { findKernel, kernelArguments } from '../../../../src/rehearsal/guest/kernel.js';
import { withDirectory } from '../../needsRoot.js';

const kernel = { program: 'linux.uml', version: '6.1.1', modules: '/modules/6.1.1', isQuick: false };
const settings = { name: 'trial', memoryMiB: 512, kernel, disk: '/images/disk.ext4', stateDirectory: '/run/trial' };

it('lays the differences over an image, and names the image itself only where it is to be written', () => {
  expect(kernelArguments({ ...settings, copyOnWrite: '/guest/disk.cow' })).toContain('ubda=/guest/disk.cow,/images/disk.ext4');
  expect(kernelArguments(settings)).toContain('ubda=/images/disk.ext4');
});

it("keeps the kernel's own files where they are removed, not in root's home", () => {
  expect(kernelArguments(settings)).toContain('uml_dir=/run/trial/');
});

it('hands over quickly where the kernel can', () => {
  expect(kernelArguments(settings)).not.toContain('seccomp=on');
  expect(kernelArguments({ ...settings, kernel: { ...kernel, isQuick: true } })).toContain('seccomp=on');
});

it('takes the newest kernel that was built, before any other', () =>
  withDirectory(async (directory) => {
    for (const version of ['7.2.9', '7.2.12']) await mkdir(join(directory, 'kernel', 'modules', version), { recursive: true });
    const modules = join(directory, 'kernel', 'modules', '7.2.12');
    expect(await findKernel(directory)).toEqual({ program: join(directory, 'kernel', 'linux.uml'), version: '7.2.12', modules, isQuick: true });
  }));
