import type { Finding } from './finding.js';

/** What all findings come to. That two hosts were seen to exclude each other settles what the filesystem's type leaves open. */
export function overall(findings: readonly Finding[]): Finding['verdict'] {
  const verdictOn = (what: string): Finding['verdict'] | undefined => findings.find(finding => finding.what === what)?.verdict;
  if (findings.some(({ verdict }) => verdict === 'bad')) return 'bad';
  const seen = verdictOn('peer') === 'good' && verdictOn('exclusion') === 'good';
  const open = findings.filter(({ what, verdict }) => verdict === 'unsure' && !(seen && what === 'filesystem'));
  return open.length > 0 ? 'unsure' : 'good';
}
