import { execFileSync } from 'node:child_process';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { commandOfRow, rowOfCommand } from '../../../src/compat/gitrunner/python-row.js';
import { quoteWord, splitWords } from '../../../src/job/shell-words.js';
import { readCsvQueue } from '../../../src/queue/git/documents/csv-document.js';
import { readRuns } from '../../../src/queue/git/documents/runs-document.js';

const HEADER = 'script,args,kwargs,status\n';

function csv(text: string) {
  return readCsvQueue(Buffer.from(text), 'queue.csv');
}

/** Words as a shell splits them. */
function shellWords(command: string): string[] {
  const printed = execFileSync('sh', ['-c', `set -f; printf '%s\\0' ${command}`], { encoding: 'utf8' });
  return printed.split('\0').slice(0, -1);
}

describe('a runs.txt', () => {
  const line = fc.oneof(
    fc
      .tuple(fc.constantFrom(...'.rd!e-x?'), fc.string({ minLength: 1 }))
      .map(([state, command]) => `${state} ${command.replace(/[\r\n]/g, '')}x`),
    fc.constantFrom('', '# comment', '---', 'x', '/ c'),
  );
  const text = fc
    .tuple(fc.array(line), fc.constantFrom('\n', '\r\n'), fc.boolean())
    .map(([lines, end, last]) => lines.join(end) + (last ? end : ''));

  it('keeps every byte but the changed states', () => {
    fc.assert(
      fc.property(text, fc.infiniteStream(fc.constantFrom(...'.rd!')), (content, states) => {
        const bytes = Buffer.from(content);
        const before = readRuns(bytes, 'runs.txt');
        const changes = new Map(before.jobs.map(job => [job.number, states.next().value as string]));
        const after = readRuns(before.withStates(changes), 'runs.txt');
        expect(after.bytes.length).toBe(bytes.length);
        expect(after.jobs.map(job => job.state)).toEqual(before.jobs.map(job => changes.get(job.number)));
        expect(after.withStates(new Map(before.jobs.map(job => [job.number, job.state])))).toEqual(bytes);
      }),
    );
  });

  it('names the line of a merge marker', () => {
    const merged = '. a\n<<<<<<< HEAD\nd b\n=======\n! b\n>>>>>>> theirs\n';
    expect(() => readRuns(Buffer.from(merged), 'runs.txt')).toThrow('runs.txt has merge markers in it, the first at line 2');
  });

  it('is not mistaken for a merge because a command contains a marker', () => {
    expect(readRuns(Buffer.from('. grep "<<<<<<< " a\n'), 'runs.txt').jobs.length).toBe(1);
  });
});

describe('a queue.csv', () => {
  it('is parsed as gitrunner writes it', () => {
    const document = csv(
      `${HEADER}dummy.py,"[1]","{""cheese"": ""on,toast""}",ready\ndummy,[],{},running\na,[],{},done\nb,[],{},run\nc,[],{},failed\nd,[],{},later\n`,
    );
    expect(document.jobs.map(job => `${job.number} ${job.state} ${job.command}`)).toEqual([
      '2 . python dummy.py 1 --cheese=on,toast',
      '3 r python dummy.py',
      '4 d python a.py',
      '5 d python b.py',
      '6 ! python c.py',
      '7 - python d.py',
    ]);
  });

  it('keeps quoting, order, line ends and unknown columns when a status changes', () => {
    const text =
      '\ufeffstatus,note,"script",args,kwargs\r\nready,"two\nlines",a,"[""x""]",{}\r\n"ready","ü, ""q""",a,[],{}\r\n\r\nready,,b,[1],{}';
    const document = csv(text);
    expect(document.jobs.map(job => job.number)).toEqual([2, 4, 6]);
    expect(
      document
        .withStates(
          new Map([
            [4, 'd'],
            [6, '!'],
          ]),
        )
        .toString(),
    ).toBe(
      '\ufeffstatus,note,"script",args,kwargs\r\nready,"two\nlines",a,"[""x""]",{}\r\n"done","ü, ""q""",a,[],{}\r\n\r\nfailed,,b,[1],{}',
    );
  });

  it('of any content is restored when the states are', () => {
    const cell = fc.string({ unit: fc.constantFrom('a', '"', ',', '\n', ' ', 'ü', '\r\n', "'") });
    const row = fc.tuple(cell, cell, fc.constantFrom('ready', 'done', 'failed', 'running'));
    fc.assert(
      fc.property(fc.array(row), rows => {
        const quoted = (value: string): string => `"${value.replaceAll('"', '""')}"`;
        const text = `script,args,kwargs,status,note\n${rows.map(([script, note, status]) => `${quoted(`${script}x`)},[],{},${status},${quoted(note)}\n`).join('')}`;
        const document = csv(text);
        expect(document.jobs.length).toBe(rows.length);
        const away = document.withStates(new Map(document.jobs.map(job => [job.number, '-'])));
        const back = csv(away.toString()).withStates(new Map(document.jobs.map(job => [job.number, job.state])));
        expect(back.toString()).toBe(text);
      }),
    );
  });

  it('that is not UTF-8 keeps its bytes', () => {
    const bytes = Buffer.from(`${HEADER}caf\xe9,[],{},ready\n`, 'latin1');
    const document = readCsvQueue(bytes, 'queue.csv');
    expect(document.jobs[0]?.command.toString('latin1')).toBe("python 'caf\xe9.py'");
    expect(document.withStates(new Map([[2, 'd']])).toString('latin1')).toBe(`${HEADER}caf\xe9,[],{},done\n`);
  });

  it('appends rows, whatever the order of its columns', () => {
    const document = csv('status,script,more,kwargs,args\nready,a,1,{},[]');
    expect(document.withJobs([{ commands: [Buffer.from('dummy.py 1 --cheese="on,toast"')], state: '.' }]).toString()).toBe(
      'status,script,more,kwargs,args\nready,a,1,{},[]\nready,dummy,,"{""cheese"": ""on,toast""}","[""1""]"\n',
    );
  });

  it.each<[string, string, string]>([
    ['a header that lacks a column', 'script,args,status\na,[],ready\n', 'no column kwargs'],
    ['merge markers', `${HEADER}<<<<<<< a\na,[],{},ready\n`, 'line 2'],
    ['a quote in the header', 'script,"args,kwargs,status\n', 'the row that begins at line 1'],
  ])('is rejected, naming the place, for %s', (_, text, place) => {
    expect(() => csv(text)).toThrow(place);
  });

  it.each<[string, string, string]>([
    ['an open quote', `${HEADER}a,[],{},running\nb,"[1,{},ready\nc,[],{},ready\nd,[],{},running\n`, '2r 3. 4- 5r'],
    ['a quote that is never closed', `${HEADER}"a\nb",[],{},running\na,"[],{},ready\n${'a,[],{},ready\n'.repeat(2)}`, '2r 4. 5- 6-'],
    ['a quote that is closed too late', `${HEADER}a,[],{},running\na,"[],{},ready\na,[],{},ready\na,"[]",{},ready\n`, '2r 3. 4- 5-'],
    ['a field too many', `${HEADER}a,[],{},running\nb,[1,2],{},ready\nc,[],{},ready\n`, '2r 3. 4.'],
    ['bytes behind a quote', `${HEADER}a,[],{},running\n"b"x,[],{},ready\n`, '2r 3.'],
  ])('yields the rows beside one with %s, names that one, and runs nothing below an unclosed quote', (_, text, states) => {
    const document = csv(text);
    expect(document.jobs.map(({ number, state }) => `${number}${state}`).join(' ')).toBe(states);
    const [running, broken] = document.jobs;
    expect([running?.problem, broken?.problem?.message]).toEqual([undefined, expect.stringMatching(/^the row (?:is not|has 5 fields)/)]);
    const done = document.withStates(new Map([[2, 'd']])).toString();
    expect(done).toBe(text.replace('running', 'done'));
    expect(() => document.withStates(new Map([[broken?.number as number, 'd']]))).toThrow('line');
  });

  it('yields a row that lacks its last fields as if they were empty, and writes its status', () => {
    const text = 'script,args,kwargs,status,note,host\na,[],{},ready\nb,[],{},done,x,y\nc\n';
    const document = csv(text);
    expect(document.jobs.map(({ state, command, problem }) => [state, `${command}`, problem])).toEqual([
      ['.', 'python a.py', undefined],
      ['d', 'python b.py', undefined],
      ['-', 'python c.py', undefined],
    ]);
    const changed = document.withStates(
      new Map([
        [2, 'r'],
        [4, '.'],
      ]),
    );
    expect(changed.toString()).toBe('script,args,kwargs,status,note,host\na,[],{},running\nb,[],{},done,x,y\nc,,,ready\n');
  });

  it('identifies a row by script, args and kwargs, whatever its other columns say', () => {
    const [first, second] = [
      csv('script,args,kwargs,status,note\na,[1],{},running,\n'),
      csv('note,script,args,kwargs,status\n3.0,a,[1],{},done\n'),
    ];
    expect(first.jobs[0]?.key).toBe(second.jobs[0]?.key);
  });

  it.each([
    ['a,[1;,{},ready', 'args is not a JSON array: [1;', 2],
    ['a,1,{},ready', 'args is not a JSON array: 1', 2],
    ['a,[],[],ready', 'kwargs is not a JSON object: []', 3],
    [',[],{},ready', 'script is empty', 1],
  ])('skips an invalid row: %s', (row, message, column) => {
    const [job] = csv(`${HEADER}${row}\n`).jobs;
    expect(job?.problem).toEqual({ column, message });
  });

  it('has no word for some states', () => {
    expect(() => csv(`${HEADER}a,[],{},ready\n`).withStates(new Map([[2, 'x']]))).toThrow('no word for the state "x"');
  });
});

describe('a command of a row', () => {
  it('contains values as Python writes them, and numbers with all their digits', () => {
    const row = { script: 'a', args: '[1.0, 12345678901234567890, true, null, "x y", ["b", 1]]', kwargs: '{"k": {"n": [1e3]}, "e": ""}' };
    expect(commandOfRow(row)).toEqual({
      command: "python a.py 1.0 12345678901234567890 True None 'x y' '['\"'\"'b'\"'\"', 1]' '--k={'\"'\"'n'\"'\"': [1000.0]}' --e=",
    });
  });

  it('matches the command that was added', () => {
    const word = fc.string({ minLength: 1 }).filter(text => !text.startsWith('--') && !text.includes('\0'));
    const key = fc.stringMatching(/^[a-z_]\w*$/);
    fc.assert(
      fc.property(fc.array(word), fc.dictionary(key, word, { maxKeys: 4, noNullPrototype: true }), (args, kwargs) => {
        const words = ['x.py', ...args, ...Object.entries(kwargs).map(([name, value]) => `--${name}=${value}`)];
        const result = commandOfRow(rowOfCommand(words.map(quoteWord).join(' ')));
        expect(splitWords('command' in result ? result.command : '')).toEqual(['python', ...words]);
      }),
      { examples: [[['007', '1', '1e3', '-0', 'True', 'null'], { a: '01', __proto: '1' }]] },
    );
  });

  it.each([
    ['job.py 1', { script: 'job', args: '["1"]', kwargs: '{}' }],
    ['python3 dir/job.py', { script: 'dir/job', args: '[]', kwargs: '{}' }],
    ['job 007 --k v x', { script: 'job', args: '["007", "x"]', kwargs: '{"k": "v"}' }],
    ['job.py --k -1 --j=2', { script: 'job', args: '[]', kwargs: '{"k": "-1", "j": "2"}' }],
    ['job.py --flag --k v --last', { script: 'job', args: '["--flag", "--last"]', kwargs: '{"k": "v"}' }],
    ['job.py --k=', { script: 'job', args: '[]', kwargs: '{"k": ""}' }],
  ])("is written as gitrunner's own add writes it: %s", (command, row) => {
    expect(rowOfCommand(command)).toEqual(row);
  });

  it.each(['echo `date` > x.py', 'x.py $HOME', 'x.py *.txt', 'a.py | b.py', 'a.py "open', '', '--version', 'a.py --k=1 --k=2'])(
    'is rejected: %s',
    command => {
      expect(() => rowOfCommand(command)).toThrow(expect.objectContaining({ code: 'usage' }));
    },
  );
});

describe('words', () => {
  it('are quoted so that a shell reads the same', () => {
    fc.assert(
      fc.property(
        fc.array(
          fc.string({ minLength: 1 }).filter(text => !text.includes('\0')),
          { minLength: 1, maxLength: 4 },
        ),
        words => {
          expect(shellWords(words.map(quoteWord).join(' '))).toEqual(words);
        },
      ),
      { numRuns: 60 },
    );
  });

  it.each(['a  b', "a'b c'd", '"a b" c', '"a\\"b\\\\ \\x"', 'a\\ b', '"" x', "''", '--a="b c"', 'a#b', 'x=~y'])(
    'are parsed as a shell parses them: %s',
    command => {
      expect(splitWords(command)).toEqual(shellWords(command));
    },
  );
});
