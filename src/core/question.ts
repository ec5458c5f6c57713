type Reply<Answer> = (answer: Answer) => void;

/** One question that many may ask. Who answers takes all who asked before he looked; who asks later waits for the next. */
export class Question<Answer> {
  #asking: Reply<Answer>[] = [];

  ask(): Promise<Answer> {
    return new Promise((resolve) => {
      this.#asking.push(resolve);
    });
  }

  /** Replies to those who have asked so far. */
  take(): Reply<Answer> {
    const asking = this.#asking;
    this.#asking = [];
    return (answer) => {
      for (const reply of asking) reply(answer);
    };
  }
}
