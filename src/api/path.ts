import { z } from 'zod'

/** A path on this computer as a caller names it; 4096 is Linux' PATH_MAX, and no file system has NUL in a name. */
export const pathSchema = z
  .string()
  .min(1, 'The path is empty.')
  .max(4096, 'The path is longer than 4096 characters.')
  .refine((path) => !path.includes('\0'), 'A path has no NUL character.')
