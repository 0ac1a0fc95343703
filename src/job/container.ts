/** The container that a job's directives ask for. Pure: parsing only. */

/** A folder or a named volume of the engine, and where the container sees it. */
export interface Volume {
  /** A path if it begins with `/`, `./` or `../` (from the job's folder) or is `.` or `..`; else the name of a volume. */
  readonly source: string;
  readonly target: string;
  readonly readOnly: boolean;
}

/** A variable of the environment; without a value, the runner's own. */
export interface Variable {
  readonly name: string;
  readonly value?: string | undefined;
}

/** What the directives `image=`, `volume=`, `network=`, `env=` and `entrypoint=` say. */
export interface ContainerNeeds {
  /** Absent: the run's, if it has one. */
  readonly image?: string | undefined;
  readonly volumes: readonly Volume[];
  readonly network?: string | undefined;
  readonly env: readonly Variable[];
  readonly entrypoint?: string | undefined;
}

/** What a job needs of its container when its line says nothing about it. */
export const NO_CONTAINER_NEEDS: ContainerNeeds = Object.freeze({ volumes: Object.freeze([]), env: Object.freeze([]) });

/** `source:target[:ro|rw]`, the target an absolute path; undefined when it is none. */
export function readVolume(text: string): Volume | undefined {
  const [, source, target, mode = 'rw'] = /^([^:]+):(\/[^:]*)(?::(ro|rw))?$/.exec(text) ?? [];
  return source === undefined || target === undefined ? undefined : { source, target, readOnly: mode === 'ro' };
}

/** `NAME=value` or `NAME`; undefined when it is neither. */
export function readVariable(text: string): Variable | undefined {
  const [, name, value] = /^([A-Za-z_][A-Za-z0-9_]*)(?:=(.*))?$/s.exec(text) ?? [];
  return name === undefined ? undefined : { name, ...(value !== undefined && { value }) };
}
