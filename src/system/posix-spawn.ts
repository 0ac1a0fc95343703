import { closeSync } from 'node:fs';
import { Semaphore } from '../async/semaphore.js';
import { systemError } from '../errors.js';
import { loadKoffi } from './koffi.js';

/** A program to start as a process. */
export interface SpawnRequest {
  /** Path of the program. */
  readonly program: string;
  /** The arguments from argv[0] on, byte for byte, each with a single NUL byte, at its end: `terminated`. */
  readonly argv: readonly Buffer[];
  /** Variables for this process only. They override those of the environment. */
  readonly variables: Readonly<Record<string, string>>;
  readonly environment: Environment;
  /** Working directory; the caller's when absent. */
  readonly directory?: string | undefined;
  /** A descriptor that the process inherits, and its number there. It must stay open until the start has settled. */
  readonly inherit?: { readonly from: number; readonly to: number } | undefined;
}

/** A started process: leader of a session and process group of its own, with empty standard input. */
export interface Spawned {
  readonly pid: number;
  /** Descriptors to read its outputs from; the caller closes them. */
  readonly stdout: number;
  readonly stderr: number;
}

/** Environment variables in the form that processes take, built once for many. */
export interface Environment {
  /** "NAME=value" and a NUL byte each. The addresses are valid only while these live. */
  readonly texts: readonly Buffer[];
  readonly addresses: BigUint64Array;
  /** Position of a variable in both. */
  readonly places: ReadonlyMap<string, number>;
}

type Library = ReturnType<NonNullable<ReturnType<typeof loadKoffi>>['load']>;

// <spawn.h> of glibc and musl on Linux.
const POSIX_SPAWN_SETSIGDEF = 0x04;
const POSIX_SPAWN_SETSIGMASK = 0x08;
const POSIX_SPAWN_SETSID = 0x80;
/** Room for posix_spawnattr_t, posix_spawn_file_actions_t and sigset_t: 336, 80 and 128 bytes there. */
const OPAQUE = 1024;
const O_CLOEXEC = 0o2000000;
/** Calls at a time: each takes one of Node's four pool threads. */
const AT_ONCE = 2;

/** Starts processes without fork's copy of page tables: a shell in 0.2 ms instead of 1 ms. */
export interface Spawner {
  environment(variables: Readonly<Record<string, string | undefined>>): Environment;
  /**
   * Off the main thread: the caller of posix_spawn blocks until the program is loaded, which takes milliseconds on a busy host. Rejects
   * with an error with `code` as node:fs throws them (ENOENT, E2BIG, EAGAIN, EMFILE, …).
   */
  spawn(request: SpawnRequest): Promise<Spawned>;
  /** The status of an ended child of this process, as waitpid(2) gives it; undefined while it runs. Reaps no other child. */
  reap(pid: number): number | undefined;
}

/** Loads the C library's posix_spawn. Undefined on hosts where the way to call it is unknown. */
export function posixSpawner(): Spawner | undefined {
  const koffi = process.platform === 'linux' ? loadKoffi() : undefined;
  if (koffi === undefined) return undefined;
  const libc = koffi.load(null);
  const pipe2 = libc.func('int pipe2(void *descriptors, int flags)');
  const posixSpawn = libc.func('int posix_spawn(void *pid, const char *path, void *actions, void *attributes, void *argv, void *envp)');
  const waitpid = libc.func('int waitpid(int pid, void *status, int options)');
  const actionsInit = libc.func('int posix_spawn_file_actions_init(void *actions)');
  const actionsDestroy = libc.func('int posix_spawn_file_actions_destroy(void *actions)');
  const addDup2 = libc.func('int posix_spawn_file_actions_adddup2(void *actions, int from, int to)');
  const addOpen = libc.func('int posix_spawn_file_actions_addopen(void *actions, int fd, const char *path, int flags, uint mode)');
  const addChdir = libc.func('int posix_spawn_file_actions_addchdir_np(void *actions, const char *path)');

  const attributes = attributesFor(libc);
  const ends = new Int32Array(2);
  const status = new Int32Array(1);
  const free: Room[] = [];
  const starts = new Semaphore(AT_ONCE);

  const makePipe = (): { read: number; write: number } => {
    if (pipe2(ends, O_CLOEXEC) !== 0) throw systemError(koffi.errno(), 'pipe2');
    return { read: ends[0] as number, write: ends[1] as number };
  };

  const putArguments = (room: Room, texts: readonly Buffer[]): void => {
    room.argv = roomFor(room.argv, texts.length);
    texts.forEach((text, at) => {
      room.argv[at] = koffi.address(text);
    });
  };

  /** Each name once, because shells differ in which of two they use. */
  const putEnvironment = (room: Room, { places, addresses }: Environment, names: readonly string[], texts: readonly Buffer[]): void => {
    const added = names.filter(name => !places.has(name)).length;
    room.environment = roomFor(room.environment, addresses.length + added);
    room.environment.set(addresses);
    let end = addresses.length;
    names.forEach((name, at) => {
      room.environment[places.get(name) ?? end++] = koffi.address(texts[at] as Buffer);
    });
  };

  const putActions = ({ actions }: Room, { directory, inherit }: SpawnRequest, stdout: number, stderr: number): void => {
    actionsInit(actions);
    addOpen(actions, 0, '/dev/null', 0, 0);
    addDup2(actions, stdout, 1);
    addDup2(actions, stderr, 2);
    if (inherit !== undefined) addDup2(actions, inherit.from, inherit.to);
    if (directory !== undefined) addChdir(actions, directory);
  };

  /** Returns the error's number, or 0. */
  const call = (room: Room, program: string): Promise<number> =>
    new Promise((resolve, reject) => {
      const done = (failure: unknown, error: number): void => (failure ? reject(failure) : resolve(error));
      posixSpawn.async(room.pid, program, room.actions, attributes, room.argv, room.environment, done);
    });

  return {
    environment(variables) {
      const texts = textsOf(variables);
      const places = new Map(Object.keys(variables).map((name, at) => [name, at]));
      return { texts, places, addresses: BigUint64Array.from(texts, text => koffi.address(text)) };
    },
    spawn(request) {
      return starts.run(async () => {
        const open: number[] = [];
        const room = free.pop() ?? makeRoom();
        try {
          const stdout = makePipe();
          open.push(stdout.read, stdout.write);
          const stderr = makePipe();
          open.push(stderr.read, stderr.write);
          const variables = textsOf(request.variables);
          room.texts = [...request.argv, ...variables];
          putArguments(room, request.argv);
          putEnvironment(room, request.environment, Object.keys(request.variables), variables);
          putActions(room, request, stdout.write, stderr.write);
          const error = await call(room, request.program).finally(() => actionsDestroy(room.actions));
          if (error !== 0) throw systemError(error, 'posix_spawn');
          closeSync(stdout.write);
          closeSync(stderr.write);
          return { pid: room.pid[0] as number, stdout: stdout.read, stderr: stderr.read };
        } catch (error) {
          for (const fd of open) closeSync(fd);
          throw error;
        } finally {
          room.texts = [];
          free.push(room);
        }
      });
    },
    reap(pid) {
      const WNOHANG = 1;
      return waitpid(pid, status, WNOHANG) === pid ? (status[0] as number) : undefined;
    },
  };
}

/** The memory of one call. Later calls reuse it: allocation costs more than the call. */
interface Room {
  readonly actions: Buffer;
  readonly pid: Int32Array;
  /** An array of addresses as C expects it, with a null pointer at the end. */
  argv: BigUint64Array;
  environment: BigUint64Array;
  /** The texts that these point to, kept from being collected. */
  texts: readonly Buffer[];
}

/** Each array has a buffer of its own: the garbage collector moves small shared ones, even during the call. */
function makeRoom(): Room {
  return {
    actions: Buffer.allocUnsafeSlow(OPAQUE),
    pid: new Int32Array(new ArrayBuffer(4)),
    argv: addresses(8),
    environment: addresses(64),
    texts: [],
  };
}

/** A table for this many addresses, with the null pointer in its place after them. */
function roomFor(table: BigUint64Array, length: number): BigUint64Array {
  const enough = table.length > length ? table : addresses(2 * length);
  enough[length] = 0n;
  return enough;
}

function addresses(length: number): BigUint64Array {
  return new BigUint64Array(new ArrayBuffer(8 * length));
}

/** A new session, with no signal ignored (Node ignores SIGPIPE) or blocked. */
function attributesFor(libc: Library): Buffer {
  const attributes = Buffer.alloc(OPAQUE);
  const signals = Buffer.alloc(OPAQUE);
  libc.func('int posix_spawnattr_init(void *attributes)')(attributes);
  libc.func('int posix_spawnattr_setflags(void *attributes, short flags)')(
    attributes,
    POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK,
  );
  libc.func('int posix_spawnattr_setsigmask(void *attributes, void *signals)')(attributes, signals);
  libc.func('int sigfillset(void *signals)')(signals);
  libc.func('int posix_spawnattr_setsigdefault(void *attributes, void *signals)')(attributes, signals);
  return attributes;
}

function textsOf(variables: Readonly<Record<string, string | undefined>>): Buffer[] {
  return Object.entries(variables).map(([name, value]) => Buffer.from(`${name}=${value}\0`));
}

const NUL = Buffer.alloc(1);

/** A text in C's form. */
export function terminated(text: Buffer): Buffer {
  return Buffer.concat([text, NUL]);
}
