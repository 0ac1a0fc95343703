import { type FileHandle, open } from 'node:fs/promises';
import { errnoName } from '../../errors.js';
import type { OutputStream, Task } from '../executor.js';

const BLOCK = 64 * 1024;

/** Reads a file as a job writes it, and passes on what is new. */
export class OutputFollower {
  private file: FileHandle | undefined;
  private position = 0;

  constructor(
    private readonly path: string,
    private readonly stream: OutputStream,
    private readonly task: Task,
  ) {}

  /** Settles when all present output has been taken. */
  async look(): Promise<void> {
    this.file ??= await open(this.path, 'r').catch(error => {
      if (errnoName(error) === 'ENOENT') return undefined;
      throw error;
    });
    if (this.file === undefined) return;
    const block = Buffer.allocUnsafe(BLOCK);
    for (;;) {
      const { bytesRead } = await this.file.read(block, 0, BLOCK, this.position);
      if (bytesRead === 0) return;
      this.position += bytesRead;
      await this.task.output(this.stream, block.subarray(0, bytesRead));
    }
  }

  /** Reads for the last time, through a fresh descriptor: over NFS only a newly opened file shows another host's last bytes. */
  async finish(): Promise<void> {
    await this.close();
    await this.look();
    await this.close();
  }

  async close(): Promise<void> {
    const { file } = this;
    this.file = undefined;
    await file?.close();
  }
}
