import fc from 'fast-check';

/** What must hold of every value the arbitrary makes; `holds` throws where it does not. */
export interface Law {
  readonly title: string;
  readonly property: fc.IRawProperty<unknown>;
}

export function law<T>(title: string, arbitrary: fc.Arbitrary<T>, holds: (value: T) => void): Law {
  return { title, property: fc.property(arbitrary, (value) => holds(value)) };
}
