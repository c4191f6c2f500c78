/** Whether a path is a directory or lies in it; as text, so both have to be absolute and free of symbolic links. */
export function isWithin(path: string, directory: string): boolean {
  return path === directory || path.startsWith(directory.endsWith('/') ? directory : `${directory}/`);
}
