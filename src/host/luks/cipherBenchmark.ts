import { CommandFailed, type Run } from '../processes/runner.js';

/** How fast the kernel encrypts in memory, without a disk; or why that could not be measured. */
export type CipherRate = { readonly encryptMebibytesPerSecond: number; readonly decryptMebibytesPerSecond: number } | { readonly unmeasured: string };

/** cryptsetup's own benchmark, of the one cipher that volumes are made with. */
export function createCipherBenchmark({ run }: { readonly run: Run }) {
  return {
    /** Takes a few seconds of one processor. A kernel without its interface for programs (AF_ALG) opens volumes all the same. */
    async readCipherRate(): Promise<CipherRate> {
      try {
        const { stdout } = await run('cryptsetup', ['benchmark', '--cipher', 'aes-xts', '--key-size', '512'], { timeout: 'standard' });
        return parseCipherRate(stdout);
      } catch (error) {
        if (!(error instanceof CommandFailed) || !/Required kernel crypto interface not available|is not available/.test(error.stderr)) throw error;
        return { unmeasured: 'the kernel lends its ciphers to no program (AF_ALG, module algif_skcipher)' };
      }
    },
  };
}

/**
 * The figures of `cryptsetup benchmark`.
 *
 * @param output - Such as `aes-xts        512b      1825.1 MiB/s      1817.9 MiB/s`, below a head; `N/A` for what it did not measure.
 * @throws where it has no line of aes-xts.
 */
export function parseCipherRate(output: string): CipherRate {
  const line = /^\s*aes-xts\s+512b\s+(.+)$/m.exec(output)?.[1];
  if (line === undefined) throw new Error('cryptsetup benchmark has no line of aes-xts with 512 bits');
  const [encrypt, decrypt] = [...line.matchAll(/(\d+(?:\.\d+)?) MiB\/s/g)].map(([, figure]) => Number(figure));
  if (encrypt === undefined || decrypt === undefined) return { unmeasured: 'cryptsetup could not measure aes-xts on this kernel' };
  return { encryptMebibytesPerSecond: encrypt, decryptMebibytesPerSecond: decrypt };
}
