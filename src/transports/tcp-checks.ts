/**
 * How options are judged: small checks that are put together to the shape of an object.
 *
 * A check lists what is wrong with a value, each with the path of the option, and never shows the value itself (E9). Read
 * next: `tcp-options.ts`.
 */

/** What is wrong with the value at that path, in words; nothing if it is sound. */
export type Check = (value: unknown, path: string) => readonly string[]

/** Sound if the test says so; otherwise the path and `must`. */
export function that(test: (value: unknown) => boolean, must: string): Check {
  return (value, path) => (test(value) ? [] : [`${path} must be ${must}`])
}

/** A whole number between two bounds, both included. */
export function whole(min: number, max: number): Check {
  const test = (value: unknown) =>
    Number.isSafeInteger(value) && (value as number) >= min && (value as number) <= max
  return that(test, `a whole number from ${min} to ${max}`)
}

/** One of it, or a list of at least one and at most `max`. */
export function oneOrMore(one: Check, max: number): Check {
  return (value, path) => {
    if (!Array.isArray(value)) return one(value, path)
    if (value.length === 0 || value.length > max) return [`${path} must be one, or a list of 1 to ${max}`]
    return value.flatMap((each, at) => one(each, `${path}[${at}]`))
  }
}

/** An object whose keys are free, as long as `key` allows them. */
export function record(key: RegExp, one: Check): Check {
  return (value, path) => {
    if (typeof value !== 'object' || value === null) return [`${path} must be an object`]
    return Object.entries(value).flatMap(([name, each]) =>
      key.test(name) ? one(each, `${path}.${name}`) : [`${path} has a key that does not match ${key}`],
    )
  }
}

/** An object with these fields and no others. */
export function shape(
  required: Readonly<Record<string, Check>>,
  optional: Readonly<Record<string, Check>>,
): Check {
  const fields = Object.entries({ ...required, ...optional })
  const known = fields.map(([name]) => name)
  return (value, path) => {
    const at = (name: string) => (path === '' ? name : `${path}.${name}`)
    if (typeof value !== 'object' || value === null || Array.isArray(value)) {
      return [`${path || 'the options'} must be an object`]
    }
    const given = value as Readonly<Record<string, unknown>>
    const unknown = Object.keys(given).filter((name) => !known.includes(name))
    return [
      ...unknown.map(
        (name) => `unknown option ${at(JSON.stringify(name.slice(0, 60)))}; known are ${known.join(', ')}`,
      ),
      ...fields.flatMap(([name, check]) => {
        if (given[name] !== undefined) return check(given[name], at(name))
        return name in required ? [`${at(name)} is missing`] : []
      }),
    ]
  }
}
