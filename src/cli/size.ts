import { parseSizeBytes } from '../rehearsal/deployment/sampleData.js';
import { wrongUsage } from './exit.js';

/**
 * The bytes that `--size` names, such as `2G`. A bare number is refused: nobody means that many bytes.
 *
 * @throws CommandEnded where it is no size.
 */
export function readSize(size: string): number {
  if (/^\d+(\.\d+)?$/.test(size.trim())) throw wrongUsage(`--size ${size.trim()} has no unit; ${size.trim()}G?`);
  try {
    return parseSizeBytes(size);
  } catch (error) {
    throw wrongUsage(`--size ${size}: ${error instanceof Error ? error.message : String(error)}`);
  }
}
