/** The operator's input is wrong: the command ends with code 2. */
export class InputError extends Error {}
