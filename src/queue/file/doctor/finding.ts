/** One line of the doctor's checklist. `unsure`: nothing is wrong that could be seen from here. */
export interface Finding {
  readonly what: string;
  readonly verdict: 'good' | 'unsure' | 'bad';
  readonly detail: string;
}
