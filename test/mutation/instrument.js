import { parseAst } from 'rolldown/parseAst';

/** The replacements of an operator. */
const OPERATORS = {
  '<': ['<=', '>='],
  '<=': ['<', '>'],
  '>': ['>=', '<='],
  '>=': ['>', '<'],
  '===': ['!=='],
  '!==': ['==='],
  '+': ['-'],
  '-': ['+'],
  '*': ['/'],
  '/': ['*'],
  '%': ['*'],
  '&&': ['||'],
  '||': ['&&'],
  '+=': ['-='],
  '-=': ['+='],
  '++': ['--'],
  '--': ['++'],
};
const METHODS = new Map([
  ['some', 'every'],
  ['every', 'some'],
  ['min', 'max'],
  ['max', 'min'],
  ['startsWith', 'endsWith'],
  ['endsWith', 'startsWith'],
]);
/** A call of these is omitted: its receiver takes its place. */
const PASSING = new Set(['filter', 'sort', 'toSorted', 'reverse', 'slice', 'trim', 'flat']);
const LOOPS = new Set(['WhileStatement', 'DoWhileStatement', 'ForStatement']);
const REMOVED = new Set(['CallExpression', 'AwaitExpression', 'AssignmentExpression', 'UpdateExpression']);
/** Type nodes, which do not run. */
const TYPE_KEYS = new Set(['typeAnnotation', 'returnType', 'typeParameters', 'typeArguments', 'superTypeArguments', 'implements']);
const TYPED_EXPRESSIONS = new Set(['TSAsExpression', 'TSNonNullExpression', 'TSSatisfiesExpression']);

/**
 * Inserts all mutants of a module into its text, each behind a switch: `__mutant('id') ? mutated : original`.
 * Code that runs only once, when the module is loaded, stays unchanged.
 * @param name of the file, which the ids begin with
 * @returns the text, and the mutants: id, line, and change
 */
export function instrument(source, name) {
  const mutants = [];

  function add(node, what) {
    const id = `${name}#${mutants.length}`;
    mutants.push({ id, line: source.slice(0, node.start).split('\n').length, what });
    return `__mutant('${id}')`;
  }

  const textOf = node => source.slice(node.start, node.end);
  const brief = text => text.replace(/\s+/g, ' ').slice(0, 90);

  /** The possible replacements of an expression. */
  function mutationsOf(node, isTest, isLoopTest) {
    const found = [];
    if (isTest) found.push(...(isLoopTest ? ['false'] : ['true', 'false']));
    const between = (left, right) => operator =>
      source.slice(node.start, left.end) +
      source.slice(left.end, right.start).replace(node.operator, operator) +
      source.slice(right.start, node.end);
    switch (node.type) {
      case 'BinaryExpression':
      case 'LogicalExpression':
      case 'AssignmentExpression':
        found.push(...(OPERATORS[node.operator] ?? []).map(between(node.left, node.right)));
        if (node.operator === '??') found.push(textOf(node.left));
        break;
      case 'UpdateExpression':
        found.push(...OPERATORS[node.operator].map(operator => textOf(node).replace(node.operator, operator)));
        break;
      case 'UnaryExpression':
        if (node.operator === '!' || node.operator === '-') found.push(textOf(node.argument));
        break;
      case 'Literal':
        if (typeof node.value === 'boolean') found.push(String(!node.value));
        break;
      case 'ArrayExpression':
        if (node.elements.length > 0) found.push('[]');
        break;
      case 'CallExpression': {
        const { callee } = node;
        if (callee.type !== 'MemberExpression' || callee.computed) break;
        const other = METHODS.get(callee.property.name);
        if (other) found.push(source.slice(node.start, callee.property.start) + other + source.slice(callee.property.end, node.end));
        if (PASSING.has(callee.property.name)) found.push(textOf(callee.object));
        break;
      }
    }
    return found;
  }

  function childrenOf(node) {
    if (TYPED_EXPRESSIONS.has(node.type)) return [['expression', node.expression]];
    return Object.entries(node)
      .filter(([key]) => !TYPE_KEYS.has(key) && !(key === 'key' && !node.computed))
      .flatMap(([key, value]) => (Array.isArray(value) ? value : [value]).map(child => [key, child]))
      .filter(([, child]) => typeof child?.type === 'string' && (!child.type.startsWith('TS') || TYPED_EXPRESSIONS.has(child.type)))
      .sort(([, a], [, b]) => a.start - b.start);
  }

  /** @param context runs: whether this runs after loading; chain: whether it is part of `a?.b.c`, which a pair of parentheses would break */
  function emit(node, context) {
    if (/^(Import|ExportAll)/.test(node.type) && node.type !== 'ImportExpression') return textOf(node);
    const isFunction = /Function/.test(node.type);
    const runs = context.runs || isFunction || (node.type === 'PropertyDefinition' && !node.static);
    let text = '';
    let at = node.start;
    for (const [key, child] of childrenOf(node)) {
      if (child.start < at) continue;
      const chain = node.type === 'ChainExpression' || (context.chain && ['object', 'callee', 'expression'].includes(key));
      const isTest = key === 'test' && child !== null && node.type !== 'SwitchCase';
      const isBody = isFunction && key === 'body' && child.type === 'BlockStatement' && child.body.length > 0;
      text += source.slice(at, child.start);
      text += emit(child, {
        runs,
        chain,
        isTest,
        isLoopTest: isTest && LOOPS.has(node.type),
        isBody,
        isLoopBody: key === 'body' && LOOPS.has(node.type),
      });
      at = child.end;
    }
    text += source.slice(at, node.end);
    if (!context.runs) return text;
    if (context.isLoopBody) return `{ __mutant.turn(); ${text} }`;
    if (context.isBody) return `{ if (${add(node, 'the body is left out')}) return; ${text.slice(1)}`;
    if (node.type === 'ExpressionStatement' && REMOVED.has(node.expression.type) && node.expression.callee?.type !== 'Super')
      return `{ if (!${add(node, `left out: ${brief(textOf(node))}`)}) { ${text} } }`;
    if (context.chain || node.type === 'ChainExpression') return text;
    const switches = mutationsOf(node, context.isTest, context.isLoopTest).map(
      mutated => `${add(node, `${brief(textOf(node))} → ${brief(mutated)}`)} ? (${mutated}) : `,
    );
    return switches.length > 0 ? `(${switches.join('')}(${text}))` : text;
  }

  const code = emit(parseAst(source, { lang: 'ts' }), { runs: false });
  return { code, mutants };
}
