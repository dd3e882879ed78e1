/** The brokers that a suite runs against. */
export interface Target {
  /** Every broker, with commas between. */
  readonly bootstrap: string;
  readonly brokers: number;
  /** Of the topics that the suites make. */
  readonly replicationFactor: number;
}
