/**
 * Runs jobs in containers, through the API of a Docker Engine or of Podman.
 *
 * engine/ talks to the engine · spec.ts builds a container's configuration · images.ts pulls · container-execution.ts follows a container,
 * with output.ts and ending.ts · exit-of.ts interprets its end · outage.ts tracks the engine's outages · labels.ts identifies a container's
 * owner.
 */
import { RunmakerError } from '../../errors.js';
import { commandDigest } from '../../job/command-digest.js';
import { NO_CONTAINER_NEEDS } from '../../job/container.js';
import type { Execution, Executor, Survivor, Task } from '../executor.js';
import { type Beginning, ContainerExecution } from './container-execution.js';
import type { EngineAddress } from './engine/address.js';
import { Engine } from './engine/engine.js';
import { EngineAway, EngineRefusal, isMissing } from './engine/failure.js';
import type { ContainerSpec, EngineInfo } from './engine/replies.js';
import { Images } from './images.js';
import { isRunnerDead, jobOf, labelsFor, labelsOf, newClaimName } from './labels.js';
import { Outage } from './outage.js';
import { ownUser, specFor } from './spec.js';

/**
 * How long, in ms, to wait for the engine. One that has never answered is most likely absent, but may be starting; one that has answered
 * comes back.
 */
const PATIENCE = { first: 5000, later: 10 * 60_000 };
/** How long, in ms, the removal of a container waits for its engine. The next runner finds what remains. */
const REMOVAL_PATIENCE = 60_000;
/** How often a job is started if its engine stops meanwhile. */
const TRIES = 5;
const PULL_LIMIT = 30 * 60_000;
const AWAY_HINT = 'jobs wait for it; DOCKER_HOST names another one';

/** Options for containers. */
export interface ContainerOptions {
  readonly address: EngineAddress;
  /** For jobs that name none. */
  readonly image?: string | undefined;
  /** Where jobs run if their queue names no folder; it is mounted at the same path. */
  readonly directory: string;
  /** How long a pull may take, in ms; half an hour by default. */
  readonly pullLimit?: number | undefined;
}

/** Runs jobs in containers. */
export class ContainerExecutor implements Executor {
  private readonly engine: Engine;
  private readonly images: Images;
  private readonly outage: Outage;
  /** Ids of the containers followed here. */
  private readonly followed = new Set<string>();
  private readonly removals = new Map<string, Promise<void>>();
  private readonly told = new Set<string>();
  private info: EngineInfo | undefined;
  private tell: Task['tell'];

  constructor(private readonly options: ContainerOptions) {
    this.engine = new Engine(options.address);
    this.images = new Images(this.engine, options.pullLimit ?? PULL_LIMIT);
    this.outage = new Outage(({ message }) => {
      this.tell?.({ kind: 'warning', message: `the container engine at ${this.engine.name} does not answer: ${message}`, hint: AWAY_HINT });
    });
  }

  async start(task: Task): Promise<Execution> {
    this.tell = task.tell ?? this.tell;
    const began = Date.now();
    for (let tried = 1; ; tried++) {
      const claim = newClaimName();
      try {
        const spec = await this.specFor(task, claim);
        const [id] = await Promise.all([this.create(`runmaker-${claim}`, spec, task), this.endEarlier(task)]);
        return await this.begin(id, task);
      } catch (error) {
        if (tried === TRIES || !(await this.isOfOutage(error, task, began))) throw this.notStarted(error);
      }
    }
  }

  async survivors(queue: string): Promise<readonly Survivor[]> {
    const listed = await this.patiently(() => this.engine.list(labelsOf({ queue })), undefined, PATIENCE.first).catch((error: unknown) => {
      // No task of this program runs in an engine that is absent.
      if (error instanceof EngineAway) return [];
      throw error;
    });
    return listed.flatMap(one => {
      const job = jobOf(one);
      return job && !this.followed.has(one.Id) && !this.removals.has(one.Id)
        ? [{ ...job, handle: one.Id, end: () => this.remove(one.Id) }]
        : [];
    });
  }

  async attach(handle: string, task: Task): Promise<Execution | undefined> {
    this.tell = task.tell ?? this.tell;
    if (this.removals.has(handle)) return undefined;
    try {
      const { Id, State } = await this.patiently(() => this.engine.inspect(handle), task);
      // Its runner was killed, or its engine stopped, before it started: an engine may no longer be able to start it.
      if (State.Status === 'created') {
        await this.remove(Id);
        return await this.start(task);
      }
      return this.follow(Id, task, new AbortController(), { start: Date.parse(State.StartedAt) });
    } catch (error) {
      if (isMissing(error)) return undefined;
      throw this.notStarted(error);
    }
  }

  /** Settles when all pending removals are done. */
  async idle(): Promise<void> {
    await Promise.all(this.removals.values());
  }

  async close(): Promise<void> {
    this.images.close();
    await this.idle();
    this.engine.close();
  }

  private async specFor(task: Task, claim: string): Promise<ContainerSpec> {
    const needs = task.job.directives.container ?? NO_CONTAINER_NEEDS;
    const image = needs.image ?? this.options.image;
    if (image === undefined) throw new RunmakerError('start', 'the job asks for a container, and names no image: image=, or --image');
    this.info ??= await this.patiently(() => this.engine.info(), task);
    const { directory } = this.options;
    const surroundings = { ...ownUser(), directory, environment: process.env, engine: this.info };
    return specFor(task, { ...needs, image }, labelsFor(task, claim), surroundings);
  }

  /**
   * This runner holds the job's claim: what a dead runner started of the job, and lost, is ended before the job starts again. Doubtful
   * ones, such as a container of a runner on another host, are left alone.
   */
  private async endEarlier(task: Task): Promise<void> {
    const labels = labelsOf({ queue: task.queue, job: task.job.id, print: commandDigest(task.job.command) });
    const earlier = await this.patiently(() => this.engine.list(labels), task);
    await Promise.all(earlier.filter(one => !this.followed.has(one.Id) && isRunnerDead(one)).map(one => this.remove(one.Id)));
  }

  /** Whether an engine refused because it was stopping, or was stopped while starting the container: that says nothing about the job. */
  private async isOfOutage(error: unknown, task: Task, began: number): Promise<boolean> {
    if (!(error instanceof EngineRefusal) || error.status < 409) return false;
    await this.patiently(() => this.engine.ping(), task).catch(() => undefined);
    return this.outage.wasAwaySince(began);
  }

  /** Creates a container, after pulling its image if it is missing. */
  private async create(name: string, spec: ContainerSpec, task: Task): Promise<string> {
    for (let isPulled = false; ; isPulled = true) {
      try {
        const { Id, Warnings } = await this.patiently(() => this.engine.create(name, spec), task);
        for (const warning of Warnings ?? []) this.warn(`the container engine at ${this.engine.name} warns: ${warning}`);
        return Id;
      } catch (error) {
        // An earlier request arrived, although its answer did not.
        if (error instanceof EngineRefusal && error.status === 409) {
          return (await this.patiently(() => this.engine.inspect(name), task)).Id;
        }
        // No answer at all: the container may exist.
        if (error instanceof EngineAway) void this.remove(name);
        if (!isMissing(error) || isPulled) throw error;
        await this.images.pull(spec.Image, text => task.tell?.({ kind: 'progress', text }), task.signal);
      }
    }
  }

  /** Attaches to a container, and starts it. */
  private async begin(id: string, task: Task): Promise<Execution> {
    const stopping = new AbortController();
    try {
      const attached = await this.patiently(() => this.engine.attach(id, stopping.signal), task);
      await this.patiently(() => this.engine.start(id), task);
      return this.follow(id, task, stopping, { attached });
    } catch (error) {
      stopping.abort();
      await this.remove(id);
      throw error;
    }
  }

  private follow(id: string, task: Task, stopping: AbortController, beginning: Beginning): Execution {
    const { engine, outage, followed } = this;
    followed.add(id);
    const container = { engine, id, outage, remove: () => this.remove(id), letGo: () => void followed.delete(id) };
    return new ContainerExecution(container, task, stopping, beginning);
  }

  /** Ends and removes a container. Never rejects: a failure is reported. */
  private remove(id: string): Promise<void> {
    const known = this.removals.get(id);
    if (known) return known;
    const end = performance.now() + REMOVAL_PATIENCE;
    const removal = this.outage
      .patiently(
        () => this.engine.remove(id),
        () => performance.now() > end,
      )
      .catch((error: unknown) => this.warn(`container ${id} is left over: ${(error as Error).message}`, `docker rm -f ${id}`))
      .finally(() => {
        this.followed.delete(id);
        this.removals.delete(id);
      });
    this.removals.set(id, removal);
    return removal;
  }

  private patiently<T>(call: () => Promise<T>, task?: Task, limit = PATIENCE.later): Promise<T> {
    const began = performance.now();
    const patience = (): number => (this.outage.isKnown ? limit : PATIENCE.first);
    return this.outage.patiently(call, () => Boolean(task?.signal?.aborted) || performance.now() - began > patience());
  }

  private notStarted(error: unknown): unknown {
    if (error instanceof EngineAway) {
      const message = `the container engine at ${this.engine.name} does not answer: ${error.message}`;
      return new RunmakerError('start', message, { hint: AWAY_HINT, cause: error });
    }
    if (error instanceof EngineRefusal) {
      return new RunmakerError('start', `the container could not be started: ${error.message}`, { cause: error });
    }
    return error;
  }

  private warn(message: string, hint?: string): void {
    if (this.told.has(message)) return;
    this.told.add(message);
    this.tell?.({ kind: 'warning', message, hint });
  }
}
