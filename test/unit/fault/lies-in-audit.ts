/** Lies about what the audit chain seals: I19. */
import { first, type Lie } from './lies.ts';
import { sealed } from './record-fixture.ts';

export const LIES_IN_AUDIT: readonly Lie[] = [
  [
    'a row of the log that no link seals',
    'I19',
    ({ afterSealing }) =>
      afterSealing.push(
        (audit) => void audit.sealed.pop(),
        ({ links }) => void links.pop(),
      ),
  ],
  ['a link that is gone', 'I19', ({ afterSealing }) => afterSealing.push(({ links }) => void links.shift())],
  [
    'links in another order',
    'I19',
    ({ afterSealing }) => afterSealing.push(({ links }) => void links.reverse()),
  ],
  [
    'a row that was changed after it was sealed, in the log and everywhere',
    'I19',
    ({ afterSealing }) => afterSealing.push((audit) => Object.assign(first(audit.sealed), { keyId: 'k2' })),
  ],
  [
    'a time that was changed after it was sealed',
    'I19',
    ({ afterSealing }) =>
      afterSealing.push((audit) => {
        first(audit.sealed).acceptedAtUnixUs += 1;
      }),
  ],
  [
    'a digest made to fit what was changed, without the key',
    'I19',
    ({ afterSealing }) =>
      afterSealing.push((audit) => {
        const changed = audit.sealed.map((action) => ({ ...action, caller: 'game' }));
        const { digest } = first(sealed(changed).links);
        first(audit.links).digest = digest;
      }),
  ],
  [
    'a chain made anew under another key',
    'I19',
    ({ afterSealing }) =>
      afterSealing.push((audit) => {
        audit.keyHex = 'ff'.repeat(32);
      }),
  ],
  [
    'an action sealed twice',
    'I19',
    ({ afterSealing }) =>
      afterSealing.push((audit) => {
        const twice = [...audit.sealed, first(audit.sealed)];
        Object.assign(audit, sealed(twice));
      }),
  ],
  [
    'a chain over another log',
    'I19',
    ({ afterSealing }) =>
      afterSealing.push((audit) => {
        const other = audit.sealed.map((action) => ({ ...action, caller: 'game' }));
        Object.assign(audit, sealed(other));
      }),
  ],
  [
    'a player’s actions that stand for another',
    'I19',
    ({ afterSealing }) => afterSealing.push((audit) => Object.assign(first(audit.sealed), { salt: '00' })),
  ],
];
