/** What each node waits for; nodes that wait for nothing may be absent. */
export type Graph = ReadonlyMap<number, readonly number[]>;

/** What `orderOf` found. */
export interface Order {
  /** The nodes that wait for something, each behind all that it waits for; those of one circle stand together. */
  readonly order: readonly number[];
  /** Every node from which a walk along the graph leads back to it, with the nodes of its circles. */
  readonly circles: ReadonlyMap<number, ReadonlySet<number>>;
}

/** Where a walk stands: a node, and which of its edges comes next. */
interface Step {
  readonly node: number;
  next: number;
}

/**
 * Tarjan's strongly connected components: they come out with what is waited for first. On a stack of its own, because
 * chains may be a hundred thousand lines long.
 */
export function orderOf(graph: Graph): Order {
  const order: number[] = [];
  const circles = new Map<number, ReadonlySet<number>>();
  const entered = new Map<number, number>();
  const lowest = new Map<number, number>();
  const open: number[] = [];
  const isOpen = new Set<number>();

  const enter = (node: number): Step => {
    entered.set(node, entered.size);
    lowest.set(node, entered.get(node) as number);
    open.push(node);
    isOpen.add(node);
    return { node, next: 0 };
  };
  const reach = (node: number, low: number): void => {
    lowest.set(node, Math.min(lowest.get(node) as number, low));
  };
  const leave = (node: number): void => {
    if (lowest.get(node) !== entered.get(node)) return;
    const component = new Set(open.splice(open.lastIndexOf(node)));
    for (const member of component) {
      isOpen.delete(member);
      order.push(member);
    }
    if (component.size === 1 && !graph.get(node)?.includes(node)) return;
    for (const member of component) circles.set(member, component);
  };

  for (const root of graph.keys()) {
    if (entered.has(root)) continue;
    const path = [enter(root)];
    for (let top = path.at(-1); top !== undefined; top = path.at(-1)) {
      const other = graph.get(top.node)?.[top.next++];
      if (other === undefined) {
        path.pop();
        leave(top.node);
        const below = path.at(-1);
        if (below) reach(below.node, lowest.get(top.node) as number);
      } else if (!entered.has(other)) {
        if (graph.has(other)) path.push(enter(other));
      } else if (isOpen.has(other)) {
        reach(top.node, entered.get(other) as number);
      }
    }
  }
  return { order, circles };
}
