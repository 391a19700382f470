/** Names of simulated players: plausible, unique, and the same for the same number in every run. */

const FIRST = [
  ...['Amber', 'Brisk', 'Calm', 'Clever', 'Coral', 'Cosmic', 'Crimson', 'Dapper'],
  ...['Dusty', 'Eager', 'Fabled', 'Frosty', 'Gentle', 'Golden', 'Happy', 'Hasty'],
  ...['Ivory', 'Jolly', 'Lucky', 'Lunar', 'Mellow', 'Mighty', 'Misty', 'Nimble'],
  ...['Quiet', 'Rapid', 'Rusty', 'Silent', 'Solar', 'Sunny', 'Velvet', 'Witty'],
];
const SECOND = [
  ...['Badger', 'Beetle', 'Bison', 'Comet', 'Condor', 'Crane', 'Falcon', 'Ferret'],
  ...['Fox', 'Gecko', 'Hare', 'Heron', 'Ibex', 'Jackal', 'Koala', 'Lemur'],
  ...['Lynx', 'Magpie', 'Marten', 'Moth', 'Newt', 'Otter', 'Owl', 'Panda'],
  ...['Puffin', 'Raven', 'Robin', 'Seal', 'Stoat', 'Swift', 'Tapir', 'Wren'],
];
const PAIRS = FIRST.length * SECOND.length;
/** Odd, so that its multiples visit every pair once; large, so that consecutive names differ in both words. */
const STRIDE = 389;

/** `index` counts from 0. */
export function nameOf(index: number): string {
  const pair = (index * STRIDE) % PAIRS;
  const lap = Math.floor(index / PAIRS);
  const name = `${FIRST[Math.floor(pair / SECOND.length)]}${SECOND[pair % SECOND.length]}`;
  return lap === 0 ? name : `${name}${lap + 1}`;
}
