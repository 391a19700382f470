/** The running processes of a fault stack: their current pids, and which ends the driver expects. */
import type { Component } from './components.ts';

export type StackProcesses = ReturnType<typeof createProcesses>;

export function createProcesses(onExit: (component: Component, how: string, expected: boolean) => void) {
  const pids = new Map<Component, number>();
  const expected = new Set<Component>();
  const mayEnd = new Set<Component>();
  let stopping = false;
  return {
    started: (component: Component, pid: number) => void pids.set(component, pid),
    ended: (component: Component) => (how: string) => {
      if (!stopping) onExit(component, how, expected.delete(component) || mayEnd.has(component));
    },
    /** No end is reported any more. */
    stopping() {
      stopping = true;
    },
    /** The current process of the component. */
    pidOf: (component: Component) => pids.get(component) ?? 0,
    /** The driver is about to end the component's process. */
    expectEnd: (component: Component) => void expected.add(component),
    /** Whether the component may end by itself, as a server on a full disk may. */
    allowEnds(component: Component, isAllowed: boolean) {
      if (isAllowed) mayEnd.add(component);
      else mayEnd.delete(component);
    },
  };
}
