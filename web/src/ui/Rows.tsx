// The table of a list: its head, and of its rows only those in sight, so that ten thousand are as quick as ten.
import { Bullseye } from "@patternfly/react-core";
import { EllipsisVIcon } from "@patternfly/react-icons";
import { Table, Tbody, Th, Thead, Tr } from "@patternfly/react-table";
import { useVirtualizer } from "@tanstack/react-virtual";
import { memo, useCallback, useEffect, useRef, useState, type KeyboardEvent, type MouseEvent, type Ref } from "react";
import { useTranslation } from "react-i18next";
import type { Column, Selection, Sort } from "./columns";
import { ContextMenu, type Task } from "./tasks";

interface Props<T> {
  label: string;
  count: number;
  /** Nothing, where it is not read yet. */
  row: (index: number) => T | undefined;
  name: (row: T) => string;
  columns: Column<T>[];
  tasks?: (row: T) => Task[];
  sort: Sort;
  onSort: (sort: Sort) => void;
  selection?: Selection;
  every?: { on: boolean; set: (on: boolean) => void };
  /** Which rows are in sight. */
  onRange?: (first: number, last: number) => void;
}

const ROW_PX = 53;
const OVERSCAN = 5;

export function Rows<T>(props: Props<T>) {
  const { label, count, row: rowAt, name, columns, tasks, sort, onSort, selection, every, onRange } = props;
  const { t } = useTranslation();
  const [menu, setMenu] = useState<{ row: T; at: { x: number; y: number }; left?: boolean }>();
  const scroll = useRef<HTMLDivElement>(null);
  const virtual = useVirtualizer({
    count,
    getScrollElement: () => scroll.current,
    estimateSize: () => ROW_PX,
    overscan: OVERSCAN,
    initialRect: { width: 1280, height: 800 },
    getItemKey: (index) => {
      const row = rowAt(index);
      return row === undefined ? index : name(row);
    },
  });
  const items = virtual.getVirtualItems();
  const above = items[0]?.start ?? 0;
  const below = virtual.getTotalSize() - (items.at(-1)?.end ?? 0);
  const first = items[0]?.index ?? 0;
  const last = items.at(-1)?.index ?? 0;
  useEffect(() => onRange?.(first, last), [first, last, onRange]);
  const closeMenu = useCallback(() => setMenu(undefined), []);
  // What a row is given stays the same while the list scrolls: rows that are drawn are not drawn again.
  const chosen = useRef(selection);
  chosen.current = selection;
  const select = useCallback((id: string, on: boolean) => {
    const next = new Set(chosen.current?.names);
    if (on) next.add(id); else next.delete(id);
    chosen.current?.set(next);
  }, []);
  const hasTasks = tasks !== undefined;
  const context = useCallback((event: MouseEvent, row: T) => {
    if (!hasTasks || window.getSelection()?.type === "Range") return;
    event.preventDefault();
    const by = event.currentTarget.getBoundingClientRect();
    // The keyboard's menu key has no pointer.
    const at = event.clientX || event.clientY ? { x: event.clientX, y: event.clientY } : { x: by.left + 16, y: by.bottom };
    setMenu({ row, at });
  }, [hasTasks]);
  const press = useCallback((event: MouseEvent, row: T) => {
    const by = event.currentTarget.getBoundingClientRect();
    setMenu({ row, at: { x: by.right, y: by.bottom }, left: true });
  }, []);
  const width = columns.length + (tasks ? 1 : 0) + (selection ? 1 : 0);
  return (
    <>
      <div className="dc-scroll" ref={scroll} role="region" aria-label={label} tabIndex={0}>
        <Table aria-label={label} aria-rowcount={count} variant="compact" isStickyHeader gridBreakPoint="">
          <Thead>
            <Tr>
              {selection && every && <Th aria-label={t("grid.selectAll")} select={{ isSelected: every.on, onSelect: (_, on) => every.set(on) }} />}
              {columns.map((column, index) => (
                <Th
                  key={column.label}
                  className={column.className}
                  modifier="nowrap"
                  sort={(column.by ?? column.order) ? {
                    sortBy: { index: sort.index, direction: sort.down ? "desc" : "asc" },
                    onSort: () => onSort({ index, down: sort.index === index && !sort.down }),
                    columnIndex: index,
                  } : undefined}
                  screenReaderText={column.quiet ? column.label : undefined}
                >
                  {column.quiet ? undefined : column.label}
                </Th>
              ))}
              {tasks && <Th screenReaderText={t("tasks.title")} className="dc-tasks" />}
            </Tr>
          </Thead>
          <Tbody onKeyDown={moveAmongRows}>
            {above > 0 && <Space height={above} width={width} />}
            {items.map((item) => {
              const row = rowAt(item.index);
              if (row === undefined) return <Unread key={item.key} index={item.index} width={width} label={t("common.loading")} />;
              const id = name(row);
              return (
                <Line
                  key={item.key}
                  measure={virtual.measureElement}
                  index={item.index}
                  row={row}
                  id={id}
                  columns={columns as Column<unknown>[]}
                  selected={selection?.names.has(id)}
                  onSelect={select}
                  onContext={hasTasks ? (context as Press) : undefined}
                  onPress={press as Press}
                />
              );
            })}
            {below > 0 && <Space height={below} width={width} />}
          </Tbody>
        </Table>
        {count === 0 && <Bullseye className="dc-nothing">{t("grid.nothing")}</Bullseye>}
      </div>
      {menu && tasks && <ContextMenu at={menu.at} left={menu.left} of={name(menu.row)} tasks={tasks(menu.row)} onClose={closeMenu} />}
    </>
  );
}

function Space({ height, width }: { height: number; width: number }) {
  return <tr aria-hidden className="dc-space"><td colSpan={width} style={{ height }} /></tr>;
}

function Unread({ index, width, label }: { index: number; width: number; label: string }) {
  return <tr className="pf-v6-c-table__tr" aria-rowindex={index + 1}><td className="pf-v6-c-table__td dc-unread" colSpan={width} style={{ height: ROW_PX }}>{label}</td></tr>;
}

type Press = (event: MouseEvent, row: unknown) => void;

interface LineProps {
  measure: Ref<HTMLTableRowElement>;
  index: number;
  row: unknown;
  id: string;
  columns: Column<unknown>[];
  selected: boolean | undefined;
  onSelect: (id: string, on: boolean) => void;
  onContext: Press | undefined;
  onPress: Press;
}

/** As PatternFly's row and cells, without what makes each of those look at itself. */
const Line = memo(function Line({ measure, index, row, id, columns, selected, onSelect, onContext, onPress }: LineProps) {
  const { t } = useTranslation();
  return (
    <tr className="pf-v6-c-table__tr" data-index={index} ref={measure} onContextMenu={(event) => onContext?.(event, row)} aria-rowindex={index + 1}>
      {selected !== undefined && (
        <td className="pf-v6-c-table__td pf-v6-c-table__check">
          <label><input type="checkbox" aria-label={t("grid.select", { name: id })} checked={selected} onChange={(event) => onSelect(id, event.currentTarget.checked)} /></label>
        </td>
      )}
      {columns.map((column) => <td key={column.label} data-label={column.label} className={column.className ? `pf-v6-c-table__td ${column.className}` : "pf-v6-c-table__td"}>{column.cell(row)}</td>)}
      {onContext && (
        <td className="pf-v6-c-table__td pf-v6-c-table__action">
          {/* A list draws many of these: only the menu that is open is a menu. */}
          <button type="button" className="pf-v6-c-menu-toggle pf-m-plain" aria-label={t("tasks.of", { of: id })} aria-haspopup="menu" onClick={(event) => onPress(event, row)}>
            <EllipsisVIcon />
          </button>
        </td>
      )}
    </tr>
  );
});

/** Up and down go from row to row, to the first thing in it that takes the keyboard. */
function moveAmongRows(event: KeyboardEvent<HTMLElement>) {
  if (event.key !== "ArrowDown" && event.key !== "ArrowUp") return;
  const target = event.target;
  if (!(target instanceof HTMLElement) || target.closest("[role=menu], input:not([type=checkbox])")) return;
  const row = target.closest("tr");
  const next = event.key === "ArrowDown" ? row?.nextElementSibling : row?.previousElementSibling;
  const into = next?.querySelector<HTMLElement>("a, button, input");
  if (!into) return;
  event.preventDefault();
  into.focus();
  into.closest("tr")?.scrollIntoView({ block: "nearest" });
}
