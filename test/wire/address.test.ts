import { describe, expect, it } from 'vitest';
import { type Address, nameForServer, parseAddress, printAddress } from '../../src/wire/address.js';

const CASES: [string, Address][] = [
  ['alice', { kind: 'tcp', host: 'alice', port: 9998 }],
  ['alice.example.org:80', { kind: 'tcp', host: 'alice.example.org', port: 80 }],
  ['10.0.0.1', { kind: 'tcp', host: '10.0.0.1', port: 9998 }],
  ['::1', { kind: 'tcp', host: '::1', port: 9998 }],
  ['[::1]', { kind: 'tcp', host: '::1', port: 9998 }],
  ['[fe80::1%eth0]:7', { kind: 'tcp', host: 'fe80::1%eth0', port: 7 }],
  ['unix:/run/a b:c', { kind: 'unix', path: '/run/a b:c' }],
  ['unix:///run/socket', { kind: 'unix', path: '/run/socket' }],
  ['unix:socket', { kind: 'unix', path: 'socket' }],
  ['UNIX:/run/Socket', { kind: 'unix', path: '/run/Socket' }],
];

describe('an address of a server', () => {
  it.each(CASES)('%s is parsed, and survives printing and parsing', (text, address) => {
    expect(parseAddress(text)).toEqual(address);
    expect(parseAddress(printAddress(address))).toEqual(address);
  });

  it.each(['', 'alice:', 'alice:0', 'alice:65536', 'alice:x', 'a b', '[::1', 'alice/runs.txt', 'me@alice', 'unix:'])('is not %j', text => {
    expect(() => parseAddress(text)).toThrow(
      expect.objectContaining({ code: 'usage', message: expect.stringContaining(JSON.stringify(text)) }),
    );
  });
});

describe('a possibly mistyped queue of a server', () => {
  it.each([
    ['alice:9998', 'tcp://alice:9998'],
    ['127.0.0.1:9998', 'tcp://127.0.0.1:9998'],
    ['[::1]:9998', 'tcp://[::1]:9998'],
    ['tcp:alice', 'tcp://alice'],
    ['tcp:/alice:80', 'tcp://alice:80'],
  ])('is %s, for %s', (text, name) => {
    expect(nameForServer(text)).toBe(name);
  });

  it.each(['alice', 'runs.txt', 'jobs/runs.txt:1', 'alice:runs.txt', 'tcp', 'tcp:', '12:30:45'])('is not %s', text => {
    expect(nameForServer(text)).toBeUndefined();
  });
});
