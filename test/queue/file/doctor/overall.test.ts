import { expect, test } from 'vitest';
import type { Finding } from '../../../../src/queue/file/doctor/finding.js';
import { overall } from '../../../../src/queue/file/doctor/overall.js';

const finding = (what: string, verdict: Finding['verdict']): Finding => ({ what, verdict, detail: '' });

test('all good is good', () => {
  expect(overall([finding('filesystem', 'good'), finding('locks', 'good')])).toBe('good');
});

test('one thing that is bad is enough', () => {
  expect(overall([finding('filesystem', 'unsure'), finding('locks', 'bad')])).toBe('bad');
});

test('what cannot be known leaves it open', () => {
  expect(overall([finding('filesystem', 'unsure'), finding('locks', 'good')])).toBe('unsure');
});

test('that two hosts were seen to exclude each other settles what the filesystem leaves open', () => {
  expect(overall([finding('filesystem', 'unsure'), finding('peer', 'good'), finding('exclusion', 'good')])).toBe('good');
});

test('a peer on the same host settles nothing', () => {
  expect(overall([finding('filesystem', 'unsure'), finding('peer', 'unsure'), finding('exclusion', 'good')])).toBe('unsure');
});
