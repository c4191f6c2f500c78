import { z } from 'zod';

/** Any schema of lockstep.yaml's. */
export type Schema = z.core.$ZodType;

/** A schema without the wrappers that say what happens in its absence. */
export interface Field {
  readonly inner: Schema;
  /** From the outermost wrapper that has one. */
  readonly description?: string;
  /** What stands in for an absent value; a section of defaults has none of its own. */
  readonly defaultValue?: unknown;
  readonly required: boolean;
}

/** Takes defaults and optionality off a schema. */
export function toField(schema: Schema): Field {
  let inner = schema;
  let description: string | undefined;
  let defaultValue: unknown;
  let required = true;
  for (;;) {
    description ??= z.globalRegistry.get(inner)?.description;
    if (inner instanceof z.ZodDefault) defaultValue ??= inner.def.defaultValue;
    else if (!(inner instanceof z.ZodOptional || inner instanceof z.ZodPrefault)) break;
    required = false;
    inner = inner.def.innerType;
  }
  return {
    inner,
    required,
    ...(description === undefined ? {} : { description }),
    ...(defaultValue === undefined ? {} : { defaultValue }),
  };
}

/** The keys of a section and their schemas, of a choice between sections those of all; undefined where nothing can lie below. */
export function childrenOf(schema: Schema): ReadonlyMap<string, Schema> | undefined {
  const { inner } = toField(schema);
  if (inner instanceof z.ZodObject) return new Map(Object.entries<Schema>(inner.shape));
  if (!(inner instanceof z.ZodUnion)) return undefined;
  return new Map(optionsOf(inner).flatMap((option) => [...(childrenOf(option) ?? [])]));
}

/** The sections between which a schema chooses; of one without a choice, itself. */
export function optionsOf(schema: Schema): readonly Schema[] {
  const { inner } = toField(schema);
  return inner instanceof z.ZodUnion ? inner.options : [inner];
}

/** The schema of each entry of a list, or of keys that have no names of their own; undefined for anything else. */
export function elementOf(schema: Schema): Schema | undefined {
  const { inner } = toField(schema);
  if (inner instanceof z.ZodArray) return inner.element;
  return inner instanceof z.ZodRecord ? inner.valueType : undefined;
}

/** The schema at a path from the root; undefined where there is none. */
export function schemaAt(root: Schema, path: readonly PropertyKey[]): Schema | undefined {
  let schema: Schema | undefined = root;
  for (const key of path) {
    if (schema === undefined) return undefined;
    const { inner } = toField(schema);
    schema = elementOf(inner) ?? childrenOf(inner)?.get(String(key));
  }
  return schema;
}

/** Every path below the root that names a key, sections included. */
export function pathsOf(root: Schema, prefix: readonly string[] = []): readonly (readonly string[])[] {
  return [...(childrenOf(root) ?? [])].flatMap(([key, child]) => {
    const path = [...prefix, key];
    return [path, ...pathsOf(child, path)];
  });
}
