/** The parts of the engine's answers that are used here. Field names are the engine's. */

export interface Created {
  readonly Id: string;
  readonly Warnings?: readonly string[] | null;
}

export interface ContainerState {
  readonly Status: string;
  readonly Running: boolean;
  readonly OOMKilled: boolean;
  readonly ExitCode: number;
  /** Why the engine could not start it. */
  readonly Error?: string;
  /** RFC 3339; in year 1 if it has not happened. */
  readonly StartedAt: string;
  readonly FinishedAt: string;
}

export interface Inspected {
  readonly Id: string;
  readonly State: ContainerState;
  readonly HostConfig?: { readonly Memory?: number };
}

export interface Listed {
  readonly Id: string;
  readonly State: string;
  readonly Labels: Readonly<Record<string, string>>;
}

export interface EngineInfo {
  readonly NCPU: number;
}

/** One line of the progress of a pull. */
export interface PullProgress {
  readonly status?: string;
  readonly id?: string;
  readonly progressDetail?: { readonly current?: number; readonly total?: number } | null;
  readonly error?: string;
}

/** A container's configuration: see the engine's API, `POST /containers/create`. */
export interface ContainerSpec {
  readonly Image: string;
  readonly Entrypoint: readonly string[];
  readonly Cmd: readonly string[];
  readonly Env: readonly string[];
  readonly WorkingDir: string;
  readonly User: string;
  readonly Labels: Readonly<Record<string, string>>;
  readonly HostConfig: Readonly<Record<string, unknown>>;
}
