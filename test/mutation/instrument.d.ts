export interface Mutant {
  readonly id: string;
  readonly line: number;
  readonly what: string;
}
export function instrument(source: string, name: string): { code: string; mutants: Mutant[] };
