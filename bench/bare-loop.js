// The minimum that a Node program can do for a short job: posix_spawn, read two pipes to the end, waitpid. Two at a time. No queue,
// no claim, no result, no console output, no process group: anything runmaker needs beyond this is its own cost.
import { closeSync } from 'node:fs';
import { Socket } from 'node:net';
import koffi from 'koffi';

const libc = koffi.load(null);
const pipe2 = libc.func('int pipe2(void *descriptors, int flags)');
const posixSpawn = libc.func('int posix_spawn(void *pid, const char *path, void *actions, void *attributes, void *argv, void *envp)');
const waitpid = libc.func('int waitpid(int pid, void *status, int options)');
const actionsInit = libc.func('int posix_spawn_file_actions_init(void *actions)');
const actionsDestroy = libc.func('int posix_spawn_file_actions_destroy(void *actions)');
const addDup2 = libc.func('int posix_spawn_file_actions_adddup2(void *actions, int from, int to)');
const O_CLOEXEC = 0o2000000;
const WNOHANG = 1;

const texts = words => words.map(word => Buffer.from(`${word}\0`));
const table = buffers => BigUint64Array.from([...buffers.map(buffer => koffi.address(buffer)), 0n]);
const words = texts(['/bin/sh', '-c', 'true']);
const variables = texts(Object.entries(process.env).map(([name, value]) => `${name}=${value}`));
const [argv, environment] = [table(words), table(variables)];
const actions = Buffer.allocUnsafeSlow(1024);
const [ends, pid, status] = [2, 1, 1].map(length => new Int32Array(new ArrayBuffer(4 * length)));

let left = Number(process.argv[2]);

function makePipe() {
  if (pipe2(ends, O_CLOEXEC) !== 0) throw new Error('pipe2 failed');
  return [...ends];
}

function next() {
  if (left-- <= 0) return;
  const pipes = [makePipe(), makePipe()];
  actionsInit(actions);
  pipes.forEach(([, write], at) => void addDup2(actions, write, at + 1));
  if (posixSpawn(pid, '/bin/sh', actions, null, argv, environment) !== 0) throw new Error('posix_spawn failed');
  actionsDestroy(actions);
  const [child] = pid;
  let open = pipes.length;
  const reap = () => (waitpid(child, status, WNOHANG) === child ? next() : setImmediate(reap));
  for (const [read, write] of pipes) {
    closeSync(write);
    const socket = new Socket({ fd: read, readable: true, writable: false });
    socket.resume();
    socket.once('close', () => --open === 0 && reap());
  }
}

next();
next();
