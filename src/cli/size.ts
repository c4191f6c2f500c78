import { parseSizeBytes } from '../rehearsal/deployment/sampleData.js';
import { wrongUsage } from './exit.js';

/**
 * The bytes that `--size` names, such as `2G`.
 *
 * @throws CommandEnded where it is no size.
 */
export function readSize(size: string): number {
  try {
    return parseSizeBytes(size);
  } catch (error) {
    throw wrongUsage(`--size ${size}: ${error instanceof Error ? error.message : String(error)}`);
  }
}
