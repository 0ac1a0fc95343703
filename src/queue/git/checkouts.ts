import type { FileChange } from './plumbing/import-stream.js';
export interface Checkout {
  readonly directory: string;
  readonly environment: Readonly<Record<string, string>>;
  results(): Promise<FileChange[]>;
  giveBack(): Promise<void>;
  keep(why: string): void;
}
export interface Checkouts {
  take(commit: string): Promise<Checkout>;
  listen(tell: (message: string, hint: string) => void): void;
  close(): Promise<void>;
}
