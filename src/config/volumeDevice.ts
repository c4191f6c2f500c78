import type { Config } from './schema.js';

/** What the LUKS header of the volume lies on: the block device where one is named, else the file. */
export function volumeDevice({ device, file }: Pick<Config['volume'], 'device' | 'file'>): string {
  return device ?? file;
}
