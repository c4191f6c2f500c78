import type { Course } from './course.js';
import { keys } from './keys.js';
import { migration } from './migration.js';

/** All of them, in the order of the page. */
export const courses: readonly Course[] = [migration, keys];
