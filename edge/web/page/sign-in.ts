/** The sign-in form. A name is enough. */
import { elementById } from '../element/elements.js';

/** The server's limit, in characters as a reader counts them. The server judges the rest. */
const NAME_MAX_LENGTH = 32;
const segmenter = new Intl.Segmenter('und', { granularity: 'grapheme' });

export function wireSignIn(signIn: (username: string) => Promise<void>): void {
  const form = elementById('sign-in-form', HTMLFormElement);
  const input = elementById('name', HTMLInputElement);
  const button = elementById('join', HTMLButtonElement);
  const problem = elementById('name-problem', HTMLElement);

  const refuse = (sentence: string) => {
    problem.textContent = sentence;
    problem.hidden = sentence === '';
    input.setAttribute('aria-invalid', String(sentence !== ''));
    if (sentence !== '') input.focus();
  };

  form.addEventListener('submit', (event) => {
    event.preventDefault();
    const username = input.value.trim().normalize('NFC');
    if (username === '') return refuse('Choose a name first.');
    if ([...segmenter.segment(username)].length > NAME_MAX_LENGTH)
      return refuse(`Use at most ${NAME_MAX_LENGTH} characters.`);
    refuse('');
    button.disabled = true;
    signIn(username)
      .then(() => elementById('start', HTMLButtonElement).focus())
      .catch((error: unknown) =>
        refuse(error instanceof Error ? error.message : 'Signing in failed. Try again.'),
      )
      .finally(() => {
        button.disabled = false;
      });
  });
}
