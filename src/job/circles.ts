/** What a line waits for, by line; lines that wait for nothing may be absent. */
export type Graph = ReadonlyMap<number, readonly number[]>;

/** Where a walk stands: a line, and which of its edges comes next. */
interface Step {
  readonly line: number;
  next: number;
}

/**
 * Every line from which a walk along the graph leads back to it, with the circle's lines: Tarjan's strongly connected
 * components. On a stack of its own, because chains may be a hundred thousand lines long.
 */
export function findCircles(graph: Graph): ReadonlyMap<number, ReadonlySet<number>> {
  const circles = new Map<number, ReadonlySet<number>>();
  const order = new Map<number, number>();
  const lowest = new Map<number, number>();
  const open: number[] = [];
  const isOpen = new Set<number>();

  const enter = (line: number): Step => {
    order.set(line, order.size);
    lowest.set(line, order.get(line) as number);
    open.push(line);
    isOpen.add(line);
    return { line, next: 0 };
  };
  const reach = (line: number, low: number): void => {
    lowest.set(line, Math.min(lowest.get(line) as number, low));
  };
  const leave = (line: number): void => {
    if (lowest.get(line) !== order.get(line)) return;
    const component = new Set(open.splice(open.lastIndexOf(line)));
    for (const member of component) isOpen.delete(member);
    if (component.size === 1 && !graph.get(line)?.includes(line)) return;
    for (const member of component) circles.set(member, component);
  };

  for (const root of graph.keys()) {
    if (order.has(root)) continue;
    const path = [enter(root)];
    for (let top = path.at(-1); top !== undefined; top = path.at(-1)) {
      const other = graph.get(top.line)?.[top.next++];
      if (other === undefined) {
        path.pop();
        leave(top.line);
        const below = path.at(-1);
        if (below) reach(below.line, lowest.get(top.line) as number);
      } else if (!order.has(other)) {
        if (graph.has(other)) path.push(enter(other));
      } else if (isOpen.has(other)) {
        reach(top.line, order.get(other) as number);
      }
    }
  }
  return circles;
}
