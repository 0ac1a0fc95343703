/** The engine answered, and refused. */
export class EngineRefusal extends Error {
  override readonly name = 'EngineRefusal';

  /** @param status of HTTP · @param message the engine's own words */
  constructor(
    readonly status: number,
    message: string,
  ) {
    super(message);
  }
}

/** The engine did not answer, or broke off: it is absent, restarting, or unreachable. */
export class EngineAway extends Error {
  override readonly name = 'EngineAway';

  constructor(cause: unknown) {
    super(cause instanceof Error && cause.message !== '' ? cause.message : String(cause), { cause });
  }
}

/** Whether the engine reports that the object does not exist. */
export function isMissing(error: unknown): error is EngineRefusal {
  return error instanceof EngineRefusal && error.status === 404;
}
