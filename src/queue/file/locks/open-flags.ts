import { constants } from 'node:fs';
import type { Access } from './lock-driver.js';

/** open(2) flags for what the file is to be used for. */
export function openFlags(access: Access): number {
  switch (access) {
    case 'look':
      return constants.O_RDONLY;
    case 'change':
      return constants.O_RDWR;
    case 'append':
      return constants.O_RDWR | constants.O_APPEND;
  }
}
