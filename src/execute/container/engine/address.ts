import { readFileSync, statSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { RunmakerError } from '../../../errors.js';

/** A container engine's address, in the terms of node:http and node:https. */
export interface EngineAddress {
  /** The user's form: `unix:///var/run/docker.sock`, `tcp://host:2376`. */
  readonly name: string;
  readonly secure: boolean;
  readonly options: {
    readonly socketPath?: string;
    readonly host?: string;
    readonly port?: number;
    readonly ca?: Buffer;
    readonly cert?: Buffer;
    readonly key?: Buffer;
    readonly rejectUnauthorized?: boolean;
  };
}

const DOCKER_SOCKET = '/var/run/docker.sock';
const DOCKER_CONFIG = '.docker';
const PORT = { plain: 2375, secure: 2376 };

/**
 * The engine's address, from the variables of the docker command: DOCKER_HOST, DOCKER_TLS_VERIFY, DOCKER_TLS, DOCKER_CERT_PATH,
 * DOCKER_CONFIG. Without DOCKER_HOST it is Docker's own socket, or, if there is none, a socket of Podman.
 *
 * @throws RunmakerError `usage` for an address of another form, and for unreadable certificates
 */
export function engineAddress(environment: NodeJS.ProcessEnv): EngineAddress {
  const name = environment.DOCKER_HOST || `unix://${localSocket(environment)}`;
  if (name.startsWith('unix://')) return { name, secure: false, options: { socketPath: name.slice('unix://'.length) } };
  const [, scheme, host, port] = /^(tcp|http|https):\/\/(\[[^\]]+\]|[^:/[\]]+)(?::(\d+))?\/?$/.exec(name) ?? [];
  if (host === undefined) {
    throw new RunmakerError('usage', `DOCKER_HOST=${name} is not an address of a container engine that can be used here`, {
      hint: 'write unix:///path/of/the.sock or tcp://host:2376; an engine behind ssh is reached through a forwarded socket: ssh -L',
    });
  }
  const secure = scheme === 'https' || Boolean(environment.DOCKER_TLS_VERIFY) || Boolean(environment.DOCKER_TLS);
  const options = { host: host.replace(/^\[|\]$/g, ''), port: Number(port ?? (secure ? PORT.secure : PORT.plain)) };
  return { name, secure, options: secure ? { ...options, ...certificates(environment) } : options };
}

/** The first existing socket; Docker's, for the message to name, if none exists. */
function localSocket({ XDG_RUNTIME_DIR }: NodeJS.ProcessEnv): string {
  const own = XDG_RUNTIME_DIR ? [`${XDG_RUNTIME_DIR}/docker.sock`, `${XDG_RUNTIME_DIR}/podman/podman.sock`] : [];
  return [DOCKER_SOCKET, ...own, '/run/podman/podman.sock'].find(isSocket) ?? DOCKER_SOCKET;
}

function isSocket(file: string): boolean {
  return statSync(file, { throwIfNoEntry: false })?.isSocket() ?? false;
}

function certificates(environment: NodeJS.ProcessEnv): EngineAddress['options'] {
  const folder = environment.DOCKER_CERT_PATH || environment.DOCKER_CONFIG || path.join(os.homedir(), DOCKER_CONFIG);
  const read = (file: string): Buffer => {
    try {
      return readFileSync(path.join(folder, file));
    } catch (cause) {
      throw new RunmakerError('usage', `the certificate ${path.join(folder, file)} cannot be read: ${(cause as Error).message}`, {
        hint: 'DOCKER_CERT_PATH names the folder that holds ca.pem, cert.pem and key.pem',
        cause,
      });
    }
  };
  // Like the docker command: DOCKER_TLS alone encrypts, without verifying the engine.
  const verify = Boolean(environment.DOCKER_TLS_VERIFY);
  return { ca: read('ca.pem'), cert: read('cert.pem'), key: read('key.pem'), rejectUnauthorized: verify };
}
