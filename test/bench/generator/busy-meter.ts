/** How busy this process is: a load generator that has no time left measures itself. */

export interface Busy {
  /** CPU seconds per second: 1 is one core. */
  cpuShare: number;
  /** Share of the time in which the event loop had something to do. */
  utilisation: number;
}

export function startBusyMeter(): { read(): Busy } {
  const cpuBefore = process.cpuUsage();
  const loopBefore = performance.eventLoopUtilization();
  const startedMs = performance.now();
  return {
    read() {
      const { user, system } = process.cpuUsage(cpuBefore);
      return {
        cpuShare: (user + system) / 1000 / Math.max(1, performance.now() - startedMs),
        utilisation: performance.eventLoopUtilization(loopBefore).utilization,
      };
    },
  };
}
