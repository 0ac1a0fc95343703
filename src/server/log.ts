/** Who is told what a server does. One line each, for people. */
export interface ServerLog {
  /** Something is wrong. */
  warn(text: string): void;
  /** Clients come and go. */
  info(text: string): void;
  /** Each claim and each result. */
  detail(text: string): void;
}
