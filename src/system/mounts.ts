import { readFile, realpath } from 'node:fs/promises';

/** The mount below a file. */
export interface Mount {
  /** Where it is mounted. */
  readonly point: string;
  /** `ext4`, `nfs4`, `fuse.sshfs`, … */
  readonly type: string;
  /** The device or server export that is mounted. */
  readonly source: string;
  /** Options of the mount and of the filesystem. */
  readonly options: readonly string[];
}

/** The mount that a file lies on; undefined if the kernel does not tell. */
export async function mountOf(path: string): Promise<Mount | undefined> {
  try {
    return findMount(await readFile('/proc/self/mountinfo', 'utf8'), await realpath(path));
  } catch {
    return undefined;
  }
}

/** Finds the mount of an absolute path in the text of /proc/self/mountinfo (proc_pid_mountinfo(5)). */
export function findMount(mountinfo: string, path: string): Mount | undefined {
  let best: Mount | undefined;
  for (const line of mountinfo.split('\n')) {
    const [head, tail] = line.split(' - ');
    const fields = head?.split(' ') ?? [];
    const [type, source, superOptions] = tail?.split(' ') ?? [];
    const [point, options] = [fields[4], fields[5]];
    if (point === undefined || options === undefined || type === undefined) continue;
    const mount = {
      point: plain(point),
      type,
      source: plain(source ?? ''),
      options: [...options.split(','), ...(superOptions ?? '').split(',')],
    };
    // Of several mounts at one place the last hides the others.
    if (contains(mount.point, path) && (best === undefined || mount.point.length >= best.point.length)) best = mount;
  }
  return best;
}

function contains(folder: string, path: string): boolean {
  return folder === '/' || path === folder || path.startsWith(`${folder}/`);
}

/** Blanks and the like are in octal there. */
function plain(text: string): string {
  return text.replace(/\\([0-7]{3})/g, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 8)));
}
