import type { Mount } from '../../../system/mounts.js';
import type { Finding } from './finding.js';

/** What a mount means for fcntl locks between hosts, as far as its type and options tell. */
export function judgeMount(mount: Mount): Finding {
  const { type, options } = mount;
  const has = (option: string): boolean => options.includes(option);
  const judged = (verdict: Finding['verdict'], detail: string): Finding => ({
    what: 'filesystem',
    verdict,
    detail: `${describe(mount)}: ${detail}`,
  });

  if (type === 'nfs' || type === 'nfs4') {
    const local = options.find(option => option === 'nolock' || option === 'local_lock=all' || option === 'local_lock=posix');
    return local
      ? judged('bad', `mounted with ${local}, so every host is granted every lock; mount it without`)
      : judged('good', 'locks go to the server');
  }
  if (type === 'lustre') {
    if (has('localflock')) return judged('bad', 'mounted with localflock: locks hold on one host only; mount it with flock');
    return has('flock')
      ? judged('good', 'locks go to the servers')
      : judged('bad', 'mounted without flock: no fcntl locks; mount it with flock');
  }
  if (type === 'fuse.sshfs')
    return judged('bad', 'sshfs passes no locks on, so every host is granted every lock; use --locks directory on all hosts');
  if (type === 'cifs' || type === 'smb3') {
    return has('nobrl')
      ? judged('bad', 'mounted with nobrl, so every host is granted every lock; mount it without')
      : judged('unsure', 'locks are mandatory there, and may keep readers out; make sure with --peer');
  }
  if (type === '9p' || type.startsWith('fuse'))
    return judged('unsure', 'whether locks reach other hosts depends on the server; make sure with --peer');
  if (type === 'overlay') return judged('unsure', 'an overlay belongs to one host; others that see the layers below it see another file');
  if (NETWORK.has(type)) return judged('unsure', 'known to pass locks on where it is set up for that; make sure with --peer');
  return judged('good', 'local, for runners on this host');
}

const NETWORK = new Set(['ceph', 'gpfs', 'beegfs', 'glusterfs', 'ocfs2', 'gfs2', 'afs']);
/** Options that say nothing about locks, but much about who serves what. */
const TELLING = /^(vers|local_lock|nolock|lock|proto|soft|hard|flock|localflock|noac|nobrl|cache|ro)\b/;

function describe({ type, source, point, options }: Mount): string {
  const telling = options.filter(option => TELLING.test(option));
  return `${type} (${source} on ${point}${telling.length > 0 ? `, ${[...new Set(telling)].join(',')}` : ''})`;
}
