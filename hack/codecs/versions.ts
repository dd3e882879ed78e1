/** Version ranges of schemas: `3`, `4-18`, `2+`, `none`. */
export interface VersionRange {
  readonly min: number;
  readonly max: number;
}

const NONE: VersionRange = { min: 1, max: 0 };

export function parseVersions(text: string, newest: number): VersionRange {
  if (text === 'none') return NONE;
  const match = /^(\d+)(?:(\+)|-(\d+))?$/.exec(text);
  if (match === null) throw new Error(`not a version range: '${text}'`);
  const min = Number(match[1]);
  if (match[2] !== undefined) return { min, max: newest };
  return { min, max: match[3] === undefined ? min : Number(match[3]) };
}

export const includes = (range: VersionRange, version: number): boolean => version >= range.min && version <= range.max;
