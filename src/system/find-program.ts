import { accessSync, constants, statSync } from 'node:fs';
import path from 'node:path';

/** The path of a program as a shell would find it, or undefined. A name with a slash is a path already. */
export function findProgram(name: string, searchPath: string): string | undefined {
  const candidates = name.includes('/') ? [name] : searchPath.split(':').map(folder => path.join(folder || '.', name));
  return candidates.find(isExecutable);
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return statSync(file).isFile();
  } catch {
    return false;
  }
}
