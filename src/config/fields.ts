import { z } from 'zod';

/** A file or directory of the host. */
export const absolutePath = z.string().regex(/^\/[^\0\n]*[^/\0\n]$/, 'an absolute path without a slash at its end');

/** A program and its arguments, started without a shell. */
export const argv = z.array(z.string().min(1)).min(1);
