// (vocabulary; the grammar follows)

/** What a job needs of its host while it runs. A job that does not say needs nothing but a slot. */
export interface Needs {
  /** CPUs; fractions are allowed. */
  readonly cpus: number;
  /** Bytes. */
  readonly mem: number;
  /** Whole GPUs. */
  readonly gpus: number;
}

/** What a job's line says about how to run it, after ` #: `. */
export interface Directives {
  readonly needs: Needs;
  /** Milliseconds. */
  readonly timeout?: number | undefined;
  /** Runs in all before a failing job counts as failed. */
  readonly retries?: number | undefined;
  readonly name?: string | undefined;
  /** Line numbers and names, all of which must be `d` first. */
  readonly after: readonly (number | string)[];
  /** Higher first; 0 when the line does not say. */
  readonly priority: number;
}

/** Where and why a directive cannot be read. */
export interface DirectiveProblem {
  /** Column in the line, in bytes, from 1. */
  readonly column: number;
  readonly message: string;
}
