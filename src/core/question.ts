type Reply<Answer> = (answer: Answer) => void;

/** What is asked, and not answered yet. */
class Asked<Answer> {
  reply!: Reply<Answer>;
  readonly answer = new Promise<Answer>((resolve) => {
    this.reply = resolve;
  });
}

/** One question that many may ask. Who answers takes all who asked before he looked; who asks later waits for the next. */
export class Question<Answer> {
  #asked: Asked<Answer> | undefined;

  ask(): Promise<Answer> {
    return (this.#asked ??= new Asked<Answer>()).answer;
  }

  /** Replies to those who have asked so far; the first reply counts. Resolves when they have acted on it. */
  take(): (answer: Answer) => Promise<void> {
    const asked = this.#asked;
    this.#asked = undefined;
    return async (answer) => {
      if (!asked) return;
      asked.reply(answer);
      await new Promise((resolve) => setImmediate(resolve));
    };
  }
}
