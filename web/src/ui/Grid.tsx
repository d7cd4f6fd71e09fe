// A list of things: search, sort, filters, selection, keyboard, a menu on every row. Only the rows in sight
// are drawn, so ten thousand are as quick as ten.
import { Bullseye, SearchInput, Toolbar, ToolbarContent, ToolbarGroup, ToolbarItem } from "@patternfly/react-core";
import { EllipsisVIcon } from "@patternfly/react-icons";
import { Table, Tbody, Td, Th, Thead, Tr } from "@patternfly/react-table";
import { useVirtualizer } from "@tanstack/react-virtual";
import { useCallback, useMemo, useRef, useState, type KeyboardEvent, type MouseEvent, type ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { natural } from "./format";
import { ContextMenu, type Task } from "./tasks";

export interface Column<T> {
  label: string;
  cell: (row: T) => ReactNode;
  /** What it is sorted by; without it, it is not. */
  by?: (row: T) => string | number;
  className?: string;
  /** Its head is only for those who cannot see that it needs none. */
  quiet?: boolean;
}

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
  selection?: { names: Set<string>; set: (names: Set<string>) => void };
  /** Sorted by this column at first. */
  first?: number;
  descending?: boolean;
  /** Filters hide something: an empty list is then not a beginning. */
  filtered?: boolean;
}

const ROW_PX = 53;
const OVERSCAN = 10;

export function Grid<T>(props: Props<T>) {
  const { label, rows, name, columns, text, tasks, filters, buttons, start, selection } = props;
  const { t } = useTranslation();
  const [search, setSearch] = useState("");
  const [sort, setSort] = useState({ index: props.first ?? 0, down: props.descending ?? false });
  const [menu, setMenu] = useState<{ row: T; at: { x: number; y: number }; left?: boolean }>();
  const scroll = useRef<HTMLDivElement>(null);

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

  const virtual = useVirtualizer({
    count: shown.length,
    getScrollElement: () => scroll.current,
    estimateSize: () => ROW_PX,
    overscan: OVERSCAN,
    initialRect: { width: 1280, height: 800 },
    getItemKey: (index) => name(shown[index] as T),
  });
  const items = virtual.getVirtualItems();
  const above = items[0]?.start ?? 0;
  const below = virtual.getTotalSize() - (items.at(-1)?.end ?? 0);
  const closeMenu = useCallback(() => setMenu(undefined), []);

  if (rows.length === 0 && !props.filtered) return <>{start}</>;

  const everySelected = selection !== undefined && shown.length > 0 && shown.every((row) => selection.names.has(name(row)));
  const toggle = (names: string[], on: boolean) => {
    const next = new Set(selection?.names);
    for (const it of names) if (on) next.add(it); else next.delete(it);
    selection?.set(next);
  };
  const open = (event: MouseEvent, row: T) => {
    if (!tasks || window.getSelection()?.type === "Range") return;
    event.preventDefault();
    const by = event.currentTarget.getBoundingClientRect();
    // The keyboard's menu key has no pointer.
    const at = event.clientX || event.clientY ? { x: event.clientX, y: event.clientY } : { x: by.left + 16, y: by.bottom };
    setMenu({ row, at });
  };
  const width = columns.length + (tasks ? 1 : 0) + (selection ? 1 : 0);

  return (
    <>
      {(text || filters || buttons) && (
        <Toolbar className="dc-toolbar" inset={{ default: "insetNone" }}>
          <ToolbarContent>
            {text && (
              <ToolbarItem>
                <SearchInput
                  value={search}
                  onChange={(_, value) => setSearch(value)}
                  onClear={() => setSearch("")}
                  placeholder={t("grid.search")}
                  aria-label={t("grid.searchIn", { list: label })}
                  resetButtonLabel={t("grid.clear")}
                />
              </ToolbarItem>
            )}
            {filters}
            {buttons && <ToolbarGroup variant="action-group">{buttons}</ToolbarGroup>}
            <ToolbarItem align={{ default: "alignEnd" }} alignSelf="center">
              <span className="dc-quiet" aria-live="polite">
                {shown.length === rows.length ? t("grid.count", { count: rows.length }) : t("grid.some", { count: shown.length, total: rows.length })}
              </span>
            </ToolbarItem>
          </ToolbarContent>
        </Toolbar>
      )}
      <div className="dc-scroll" ref={scroll} role="region" aria-label={label} tabIndex={0}>
        <Table aria-label={label} aria-rowcount={shown.length} variant="compact" isStickyHeader gridBreakPoint="">
          <Thead>
            <Tr>
              {selection && (
                <Th
                  aria-label={t("grid.selectAll")}
                  select={{ isSelected: everySelected, onSelect: (_, on) => toggle(shown.map(name), on) }}
                />
              )}
              {columns.map((column, index) => (
                <Th
                  key={column.label}
                  className={column.className}
                  modifier="nowrap"
                  sort={column.by && {
                    sortBy: { index: sort.index, direction: sort.down ? "desc" : "asc" },
                    onSort: () => setSort({ index, down: sort.index === index && !sort.down }),
                    columnIndex: index,
                  }}
                  screenReaderText={column.quiet ? column.label : undefined}
                >
                  {column.quiet ? undefined : column.label}
                </Th>
              ))}
              {tasks && <Th screenReaderText={t("tasks.title")} className="dc-tasks" />}
            </Tr>
          </Thead>
          <Tbody onKeyDown={moveAmongRows}>
            {above > 0 && <tr aria-hidden className="dc-space"><td colSpan={width} style={{ height: above }} /></tr>}
            {items.map((item) => {
              const row = shown[item.index] as T;
              const id = name(row);
              return (
                <Tr key={item.key} data-index={item.index} ref={virtual.measureElement} onContextMenu={(event) => open(event, row)} aria-rowindex={item.index + 1}>
                  {selection && (
                    <Td select={{ rowIndex: item.index, isSelected: selection.names.has(id), onSelect: (_, on) => toggle([id], on) }} />
                  )}
                  {columns.map((column) => <Td key={column.label} dataLabel={column.label} className={column.className}>{column.cell(row)}</Td>)}
                  {tasks && (
                    <Td isActionCell>
                      {/* A list draws many of these: only the menu that is open is a menu. */}
                      <button
                        type="button"
                        className="pf-v6-c-menu-toggle pf-m-plain"
                        aria-label={t("tasks.of", { of: id })}
                        aria-haspopup="menu"
                        onClick={(event) => {
                          const by = event.currentTarget.getBoundingClientRect();
                          setMenu({ row, at: { x: by.right, y: by.bottom }, left: true });
                        }}
                      >
                        <EllipsisVIcon />
                      </button>
                    </Td>
                  )}
                </Tr>
              );
            })}
            {below > 0 && <tr aria-hidden className="dc-space"><td colSpan={width} style={{ height: below }} /></tr>}
          </Tbody>
        </Table>
        {shown.length === 0 && <Bullseye className="dc-nothing">{t("grid.nothing")}</Bullseye>}
      </div>
      {menu && tasks && <ContextMenu at={menu.at} left={menu.left} of={name(menu.row)} tasks={tasks(menu.row)} onClose={closeMenu} />}
    </>
  );
}

function compare(one: string | number, other: string | number): number {
  return typeof one === "number" && typeof other === "number" ? one - other : natural(String(one), String(other));
}

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
