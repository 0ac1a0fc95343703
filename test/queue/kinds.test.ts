import { describe, expect, it } from 'vitest';
import { kindOf, QUEUE_KINDS, refuseLostOptions } from '../../src/queue/kinds.js';
import { flagOf, QUEUE_OPTIONS } from '../../src/queue/options.js';

describe('the kinds of queues', () => {
  it.each([
    ['runs.txt', 'file'],
    ['./git:x', 'file'],
    ['TCP://alice:7001', 'tcp'],
    ['unix:/run/x', 'tcp'],
    ['tcp+legacy://alice', 'tcp+legacy'],
    ['git+ssh://git@host/q.git#runs.txt', 'git'],
    ['git:.#runs.txt', 'git'],
  ])('are recognised by name: %s is of the kind %s', (name, kind) => {
    expect(kindOf(name).name).toBe(kind);
    expect(QUEUE_KINDS.filter(({ owns }) => owns(name))).toHaveLength(1);
  });

  it('are suggested to a user who meant another one', () => {
    expect(() => kindOf('amqp://host')).toThrow('queues of the kind "amqp" are not known');
  });

  it('have a use for every option, and a flag for each', () => {
    const used = new Set(['patience', ...QUEUE_KINDS.flatMap(({ options }) => options)]);
    const names = Object.keys(QUEUE_OPTIONS) as (keyof typeof QUEUE_OPTIONS)[];
    expect([...used].sort()).toEqual([...names].sort());
    expect(new Set(names.map(flagOf)).size).toBe(names.length);
  });

  it('reject options that apply only to others', () => {
    expect(() => refuseLostOptions('runs.txt', { lease: 1000 })).toThrow('--lease goes with queues over git, and runs.txt is none');
    expect(() => refuseLostOptions('tcp://alice', { locks: 'file' })).toThrow('--locks goes with files');
    expect(() => refuseLostOptions('runs.txt', { locks: 'file', patience: 1, token: undefined })).not.toThrow();
  });
});
