// A list of things that were all read: search, sort, filters, selection, keyboard, a menu on every row.
import { useCallback, useMemo, useState, type ReactNode } from "react";
import { Bench } from "./Bench";
import type { Column, Selection, Sort } from "./columns";
import { natural } from "./format";
import { Rows } from "./Rows";
import type { Task } from "./tasks";

export type { Column };

interface Props<T> {
  label: string;
  rows: T[];
  name: (row: T) => string;
  columns: Column<T>[];
  /** Text in which is searched. */
  text?: (row: T) => string;
  tasks?: (row: T) => Task[];
  filters?: ReactNode;
  buttons?: ReactNode;
  /** Instead of the list when there is nothing at all. */
  start: ReactNode;
  selection?: Selection;
  /** Sorted by this column at first. */
  first?: number;
  descending?: boolean;
  /** Filters hide something: an empty list is then not a beginning. */
  filtered?: boolean;
}

export function Grid<T>(props: Props<T>) {
  const { label, rows, name, columns, text, tasks, filters, buttons, start, selection } = props;
  const [search, setSearch] = useState("");
  const [sort, setSort] = useState<Sort>({ index: props.first ?? 0, down: props.descending ?? false });
  const shown = useMemo(() => {
    const words = search.toLowerCase().split(/\s+/).filter(Boolean);
    const wanted = (row: T) => {
      const where = text?.(row).toLowerCase() ?? "";
      return words.every((word) => where.includes(word));
    };
    const kept = words.length > 0 ? rows.filter(wanted) : [...rows];
    const by = columns[sort.index]?.by;
    if (by) kept.sort((one, other) => compare(by(one), by(other)) * (sort.down ? -1 : 1) || natural(name(one), name(other)));
    return kept;
    // The columns are made anew with every drawing, and are the same.
  }, [rows, search, sort]);
  const rowAt = useCallback((index: number) => shown[index], [shown]);

  if (rows.length === 0 && !props.filtered) return <>{start}</>;

  const every = selection && {
    on: shown.length > 0 && shown.every((row) => selection.names.has(name(row))),
    set: (on: boolean) => {
      const next = new Set(selection.names);
      for (const row of shown) if (on) next.add(name(row)); else next.delete(name(row));
      selection.set(next);
    },
  };
  return (
    <>
      {(text || filters || buttons) && (
        <Bench label={label} search={text && { value: search, set: setSearch }} filters={filters} buttons={buttons} shown={shown.length} total={rows.length} />
      )}
      <Rows label={label} count={shown.length} row={rowAt} name={name} columns={columns} tasks={tasks} sort={sort} onSort={setSort} selection={selection} every={every} />
    </>
  );
}

function compare(one: string | number, other: string | number): number {
  return typeof one === "number" && typeof other === "number" ? one - other : natural(String(one), String(other));
}
