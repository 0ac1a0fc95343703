/** Makes one shell script of all runnable blocks of a page, and finds in its output how each of them ended. */
import { isInstalled } from '../support/tags.js';
import { type Block, markOf, type Page } from './markdown.js';

/** Why a block may be left out: `<!-- not run: REASON -->`. */
export const REASONS = [
  'installs',
  'network',
  'other hosts',
  'takes long',
  'needs Docker',
  'needs a cluster',
  'needs Redis',
  'a shape, not a command',
];

/** Languages of blocks that are commands or programs, and of those that are only shown. */
const RUN = ['sh', 'console', 'js'];
const SHOWN = ['text', 'json', 'csv'];

/** A line that looks like a command in a block that is only shown. `runmaker [options] QUEUE` is none. */
const COMMAND = /^(?:\$ |(?:runmaker|runset|runwait|runmaker-\w+|git|npm|node) [^[])/m;

/** CONTRIBUTING.md explains the marks before a block. */
const MARKS = ['not run', 'needs', 'setup', 'cleanup', 'exits', 'in any order', 'replace', 'prints', 'runs file'];

/** A block to run, and its expected behaviour. */
export interface Step {
  readonly block: Block;
  readonly commands: readonly Command[];
  readonly status: number;
  readonly anyOrder: boolean;
}

/** A command and its expected output; undefined where the page does not say. */
interface Command {
  readonly text: string;
  readonly output: string | undefined;
}

/** Errors in the form of a page's blocks: an unknown mark or language, or a block that is neither run nor marked. */
export function complaints(page: Page): string[] {
  const found = page.blocks.flatMap(block => {
    const left = markOf(block, 'not run');
    return [
      ...block.marks.filter(mark => !MARKS.includes(mark.name)).map(mark => `${block.line}: the mark "${mark.name}" is not known`),
      ...(RUN.includes(block.language) || SHOWN.includes(block.language)
        ? []
        : [`${block.line}: the language "${block.language}" is not known`]),
      ...(block.language === 'text' && COMMAND.test(block.text) ? [`${block.line}: commands belong into a block of sh or console`] : []),
      ...(left === undefined || REASONS.includes(left) ? [] : [`${block.line}: "${left}" is no reason to leave a block out`]),
    ];
  });
  const outside = page.text.replace(/^```[\s\S]*?^```$/gm, '');
  if (/^\n {4}\S/m.test(outside)) found.push('a block is indented: put it between ``` lines');
  return found;
}

/** The blocks to run. */
export function steps(page: Page): Step[] {
  return page.blocks.flatMap((block, at) => {
    if (!isRun(block)) return [];
    const shown = markOf(block, 'prints') === undefined ? undefined : page.blocks[at + 1]?.text;
    const [status, anyOrder] = [Number(markOf(block, 'exits') ?? 0), markOf(block, 'in any order') !== undefined];
    return [{ block, commands: commandsOf(block, shown), status, anyOrder }];
  });
}

function isRun(block: Block): boolean {
  const needed = markOf(block, 'needs');
  if (markOf(block, 'not run') !== undefined || (needed !== undefined && !isInstalled(needed))) return false;
  return RUN.includes(block.language) || markOf(block, 'runs file') !== undefined;
}

/** @param shown the output that the page shows, where the block itself does not contain it */
function commandsOf(block: Block, shown: string | undefined): Command[] {
  const text = block.marks
    .filter(({ name }) => name === 'replace')
    .map(({ value }) => value.split(' => ') as [string, string])
    .reduce((replaced, [from, to]) => replaced.replaceAll(from, to), block.text);
  if (markOf(block, 'runs file') !== undefined) return runsFile(text);
  if (block.language === 'js') return script(text, shown);
  if (block.language === 'sh') return [{ text, output: undefined }];
  const commands = text.split(/^\$ /m).slice(1);
  return commands.map(command => {
    const end = command.indexOf('\n');
    return { text: command.slice(0, end), output: command.slice(end + 1) };
  });
}

function runsFile(text: string): Command[] {
  return [{ text: `cat > shown.txt <<'END OF FILE'\n${text}END OF FILE\nrunmaker --dry-run shown.txt`, output: undefined }];
}

function script(text: string, output: string | undefined): Command[] {
  return [{ text: `cat > example.mjs <<'END OF FILE'\n${text}END OF FILE\nnode example.mjs`, output }];
}

/** The script: each step in a shell of its own, which ends at the first command that fails. */
export function pageScript(page: Page): string {
  return steps(page)
    .map(({ block, commands }, step) => {
      const body = commands.map(({ text }, at) => `printf '\\n@@ %s\\n' ${step}.${at}\n${text}`).join('\n');
      // Two marks of one kind would circumvent the form: only the first counts.
      return `(set -e\n${markOf(block, 'setup') ?? ''}\n${body}\nprintf '\\n@@ %s\\n' cleanup\n${markOf(block, 'cleanup') ?? ''}\n)\nprintf '\\n@@ %s\\n' ${step}=$?`;
    })
    .join('\n');
}

/** The output of each command (`0.1`: the second one of the first step), and each step's exit status (`0`). */
export function readOutput(output: string): { printed: Map<string, string>; statuses: Map<number, number> } {
  const printed = new Map<string, string>();
  const statuses = new Map<number, number>();
  for (const part of output.split(/\n?^@@ /m).slice(1)) {
    const end = part.indexOf('\n');
    const label = part.slice(0, end);
    const [step, status] = label.split('=');
    if (status === undefined) printed.set(label, part.slice(end + 1));
    else statuses.set(Number(step), Number(status));
  }
  return { printed, statuses };
}

/** Whether output matches the page. `…` stands for anything; hosts and process ids may differ. */
export function isAsShown(output: string, shown: string, anyOrder: boolean): boolean {
  const [lines, wanted] = [linesOf(output), linesOf(shown)];
  if (!anyOrder) {
    const pattern = wanted.map(line => (line === '…' ? '(?:.*\n)*' : `${line.split('…').map(literally).join('.*')}\n`)).join('');
    return new RegExp(`^${pattern}$`).test(lines.map(line => `${line}\n`).join(''));
  }
  const rest = [...lines];
  for (const line of wanted.filter(each => each !== '…')) {
    const at = rest.indexOf(line);
    if (at === -1) return false;
    rest.splice(at, 1);
  }
  return rest.length === 0 || wanted.includes('…');
}

function linesOf(text: string): string[] {
  const lines = text
    .trimEnd()
    .replace(/\((\w[\w-]*),\d+\)/g, '(HOST,PID)')
    .split('\n');
  return lines.length === 1 && lines[0] === '' ? [] : lines;
}

function literally(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
}
