/** The author of commits. */
export interface Author {
  readonly name: string;
  readonly email: string;
}

/** A file to put into a commit, by its bytes or by the name of the object with them; without content it is removed. */
export type FileChange =
  /** `mode`: `100644`, `100755`, `120000`. */
  | { readonly path: string; readonly mode: string; readonly content: Buffer | { readonly object: string } }
  | { readonly path: string; readonly content: undefined };

/** A commit to be made. */
export interface CommitPlan {
  readonly ref: string;
  readonly message: string;
  /** Undefined: a commit without history and content. */
  readonly parent?: string | undefined;
  /** A second parent, which is merged. */
  readonly merged?: string | undefined;
  /** The tree to begin with; the parent's by default. */
  readonly tree?: string | undefined;
  readonly files?: readonly FileChange[];
}

/** Commits in the input format of `git fast-import`. It answers with their names, one a line. */
export function importStream(plans: readonly CommitPlan[], author: Author, seconds: number): Buffer {
  const parts: (string | Buffer)[] = [];
  const who = `${clean(author.name)} <${clean(author.email)}> ${seconds} +0000`;
  for (const [at, { ref, message, parent, merged, tree, files = [] }] of plans.entries()) {
    parts.push(`commit ${ref}\nmark :${at + 1}\ncommitter ${who}\n`, ...data(Buffer.from(message)));
    if (parent !== undefined) parts.push(`from ${parent}\n`);
    if (merged !== undefined) parts.push(`merge ${merged}\n`);
    if (tree !== undefined) parts.push(`M 040000 ${tree} \n`);
    for (const file of files) {
      if (file.content === undefined) parts.push(`D ${quotePath(file.path)}\n`);
      else if (Buffer.isBuffer(file.content)) parts.push(`M ${file.mode} inline ${quotePath(file.path)}\n`, ...data(file.content));
      else parts.push(`M ${file.mode} ${file.content.object} ${quotePath(file.path)}\n`);
    }
    parts.push('\n');
  }
  parts.push(...plans.map((_, at) => `get-mark :${at + 1}\n`), 'done\n');
  return Buffer.concat(parts.map(part => (typeof part === 'string' ? Buffer.from(part) : part)));
}

function data(bytes: Buffer): (string | Buffer)[] {
  return [`data ${bytes.length}\n`, bytes, '\n'];
}

function clean(text: string): string {
  return text.replace(/[<>\n\0]/g, '');
}

function quotePath(path: string): string {
  return /^"|\n/.test(path) ? `"${path.replace(/["\\]/g, '\\$&').replace(/\n/g, '\\n')}"` : path;
}
