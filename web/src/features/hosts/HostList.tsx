// A list of hosts, ten thousand or three, with what can be done with several at once. The server searches and
// sorts it; here is read what is in sight.
import { Button, ToolbarItem } from "@patternfly/react-core";
import { DesktopIcon } from "@patternfly/react-icons";
import { useCallback, useMemo, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";
import { useAct } from "../../api/act";
import { problemOf, type Schemas } from "../../api/client";
import { everyHost, HOST_ROWS, useHostRows, type HostFilter, type HostQuery } from "../../api/queries";
import { Bench } from "../../ui/Bench";
import { Choice } from "../../ui/Choice";
import type { Column, Sort } from "../../ui/columns";
import { Loaded } from "../../ui/Loaded";
import { Cause, ProblemNote } from "../../ui/ProblemNote";
import { Rows } from "../../ui/Rows";
import { useSettled } from "../../ui/settled";
import { Start } from "../../ui/Start";
import { Word } from "../../ui/Word";
import { Several } from "./Several";
import { hostPath, useHostTasks } from "./tasks";

type Host = Schemas["HostView"];
const OUTDATED = "outdated";

const STATUSES = ["Creating", "Preparing", "Ready", "Off", "Recreating", "Failed to create", "Deleting", "Missing", "Unknown"];
/** The list waits so long for another letter, and for scrolling to rest. */
const TYPING_MS = 250;
const SCROLLING_MS = 80;

interface Props {
  filter: HostFilter;
  filtered?: boolean;
  onCreate?: () => void;
}

export function HostList({ filter, filtered, onCreate }: Props) {
  const { t } = useTranslation();
  const { tasks, dialog } = useHostTasks();
  const [status, setStatus] = useState("");
  const [search, setSearch] = useState("");
  const [sort, setSort] = useState<Sort>({ index: 0, down: false });
  const [range, setRange] = useState({ first: 0, last: 0 });
  const [marked, setMarked] = useState<Map<string, Host>>(new Map());
  const [several, setSeveral] = useState<(typeof ACTS)[number]>();
  const columns = useColumns();
  const words = useSettled(search.trim(), TYPING_MS);
  const here = useSettled(range, SCROLLING_MS);
  const query: HostQuery = useMemo(() => ({
    ...filter,
    ...(status === OUTDATED ? { outdated: true } : status !== "" && { status }),
    ...(words !== "" && { search: words }),
    sort: columns[sort.index]?.order ?? "name",
    ...(sort.down && { descending: true }),
  }), [filter.template, filter.provider, filter.pool, status, words, sort, columns]);
  const { pages, error } = useHostRows(query, here.first, here.last);
  const everywhere = filtered || status !== "" || words !== "";
  const total = useTotal(query, pages);
  const rowAt = (index: number) => pages.get(Math.floor(index / HOST_ROWS))?.items[index % HOST_ROWS];
  const onRange = useCallback((first: number, last: number) => setRange({ first, last }), []);
  const all = useAct(async () => setMarked(new Map((await everyHost(query)).map((it) => [it.name, it]))));
  const open = useAct(async (what: (typeof ACTS)[number]) => {
    // What was marked a while ago may be in use by now, or gone.
    const now = await everyHost(filter);
    setMarked(new Map(now.filter((it) => marked.has(it.name)).map((it) => [it.name, it])));
    setSeveral(what);
  });
  const selection = {
    names: useMemo(() => new Set(marked.keys()), [marked]),
    set: (names: Set<string>) => {
      const read = [...pages.values()].flatMap((page) => page?.items ?? []);
      const known = new Map([...marked, ...read.map((it) => [it.name, it] as const)]);
      setMarked(new Map([...names].flatMap((name) => { const it = known.get(name); return it ? [[name, it] as const] : []; })));
    },
  };
  if (error && total === undefined) return <ProblemNote problem={problemOf(error)} />;
  if (total === undefined) return <Loaded query={{ data: undefined, error: undefined }}>{() => null}</Loaded>;
  if (total.matching === 0 && !everywhere) {
    return (
      <Start icon={DesktopIcon} title={t("hosts.empty")} action={onCreate && <Button onClick={onCreate}>{t("hosts.create")}</Button>}>
        {t("hosts.emptyBody")}
      </Start>
    );
  }
  const chosen = [...marked.values()];
  const every = {
    on: total.matching > 0 && marked.size >= total.matching,
    set: (on: boolean) => {
      const read = [...pages.values()].flatMap((page) => page?.items ?? []);
      if (!on) setMarked(new Map());
      else if (read.length >= total.matching) setMarked(new Map(read.map((it) => [it.name, it])));
      else void all.run();
    },
  };
  return (
    <>
      <Bench
        label={t("hosts.title")}
        search={{ value: search, set: setSearch }}
        shown={total.matching}
        total={status === "" && words === "" ? total.matching : Math.max(total.matching, total.all)}
        filters={<Choice label={t("hosts.filter")} all={t("hosts.every")} value={status} onChange={setStatus} choices={[...STATUSES, OUTDATED]} />}
        buttons={chosen.length > 0 && ACTS.map((it) => (
          <ToolbarItem key={it}>
            <Button variant="secondary" isDanger={it === "delete"} isDisabled={open.busy} onClick={() => void open.run(it)}>{t(`hosts.several.${it}`, { count: chosen.length })}</Button>
          </ToolbarItem>
        ))}
      />
      <ProblemNote problem={all.problem ?? open.problem} onClose={() => { all.clear(); open.clear(); }} />
      <Rows
        label={t("hosts.title")} count={total.matching} row={rowAt} name={nameOf} columns={columns} tasks={tasks} sort={sort} onSort={setSort}
        selection={selection} every={every} onRange={onRange}
      />
      {dialog}
      {several && <Several what={several} hosts={chosen} onClose={() => setSeveral(undefined)} onDone={() => { setSeveral(undefined); setMarked(new Map()); }} />}
    </>
  );
}

const ACTS = ["recreate", "start", "stop", "delete"] as const;
const nameOf = (host: Host) => host.name;

/** How many match, and how many there are without a search or a status. What was known stays while it is read again. */
function useTotal(query: HostQuery, pages: Map<number, { total?: number } | undefined>) {
  const known = useRef<{ matching: number; all: number }>(undefined);
  const now = [...pages.values()].find((it) => it !== undefined)?.total;
  if (now !== undefined) {
    const whole = query.status === undefined && query.search === undefined && query.outdated === undefined;
    known.current = { matching: now, all: whole ? now : (known.current?.all ?? now) };
  }
  return known.current;
}

function useColumns(): Column<Host>[] {
  const { t } = useTranslation();
  return useMemo(() => [
    { label: t("hosts.name"), order: "name", className: "dc-cell-name", cell: (it) => <Link to={hostPath(it.name)} className="dc-name">{it.name}</Link> },
    {
      label: t("hosts.status"), order: "status",
      cell: (it) => <div className="dc-stack"><Word word={it.status} />{it.problem && <Cause problem={it.problem} />}</div>,
    },
    { label: t("hosts.template"), order: "template", className: "dc-cell-name", cell: (it) => it.template },
    {
      label: t("hosts.version"), order: "version",
      cell: (it) => <div className="dc-row dc-nowrap"><span>v{it.version}</span>{it.outdated && <Word word={OUTDATED} text={t("hosts.outdated")} />}</div>,
    },
    {
      label: t("hosts.inUse"), order: "in-use",
      cell: (it) => <div className="dc-stack"><span>{t(`hosts.use.${it.in_use as "yes" | "no" | "unknown"}`)}</span>{it.users.length > 0 && <span className="dc-small dc-quiet dc-name">{it.users.join(", ")}</span>}</div>,
    },
    { label: t("hosts.provider"), order: "provider", className: "dc-cell-name", cell: (it) => <Link to={`/providers/${encodeURIComponent(it.provider)}`}>{it.provider}</Link> },
    { label: t("hosts.pool"), order: "pool", className: "dc-cell-name", cell: (it) => it.pool ? <Link to={`/pools/${encodeURIComponent(it.pool)}`}>{it.pool}</Link> : <span className="dc-quiet">{t("common.none")}</span> },
    { label: t("hosts.addresses"), order: "address", cell: (it) => it.addresses.join(", ") },
  ], [t]);
}
