import { expect, it } from 'vitest';
import { Question } from '../../src/core/question.ts';

it('answers those who asked before it was taken, once; who asks later waits for the next', async () => {
  const question = new Question<number>();
  const before = [question.ask(), question.ask()];
  const reply = question.take();
  const after = question.ask();
  await Promise.all([reply(1), reply(2)]);
  expect(await Promise.all(before)).toEqual([1, 1]);
  await question.take()(3);
  expect(await after).toBe(3);
});
