// What happened, the newest first: of everything, or of one thing.
import { Button } from "@patternfly/react-core";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";
import { useAct } from "../../api/act";
import { api, told, type Schemas } from "../../api/client";
import { Grid, type Column } from "../../ui/Grid";
import { Loaded } from "../../ui/Loaded";
import { Explain, ProblemNote } from "../../ui/ProblemNote";
import { Said } from "../../ui/Said";
import { Start } from "../../ui/Start";
import { time } from "../../ui/format";
import type { ReactNode } from "react";

type Event = Schemas["EventView"];

/** Of a long history the newest page is read at first; older ones when somebody asks. */
const PAGE = 1000;
/** So many are kept as more happens, and so many more as are shown on request. */
const KEPT = 5000;

interface History {
  /** The oldest first. */
  items: Event[];
  /** There are older ones. */
  older: boolean;
  kept: number;
}

const keyOf = (object?: string, name?: string) => ["events", object, name];

const read = (query: { object?: string; name?: string; after?: string; order?: string }): Promise<Schemas["EventList"]> =>
  told(api.GET("/api/v1/events/history", { params: { query: { ...query, limit: PAGE } } }));

async function newestOf(object?: string, name?: string): Promise<History> {
  const newest = await read({ object, name, order: "newest" });
  return { items: newest.items.reverse(), older: Boolean(newest.next), kept: KEPT };
}

/** What happened before the oldest that is shown. */
async function withOlder({ items, kept }: History, object?: string, name?: string): Promise<History> {
  const page = await read({ object, name, order: "newest", after: String(items[0]?.id) });
  return { items: [...page.items.reverse(), ...items], older: Boolean(page.next), kept: kept + page.items.length };
}

function useEvents(object?: string, name?: string) {
  return useQuery({
    queryKey: keyOf(object, name),
    structuralSharing: false,
    // Only what is new is read: what happened does not change.
    queryFn: async ({ client, queryKey }) => {
      const before = client.getQueryData<History>(queryKey);
      if (!before || before.items.length === 0) return newestOf(object, name);
      let { items, older } = before;
      let after: string | undefined = String(items.at(-1)?.id);
      for (;;) {
        const page: Schemas["EventList"] = await read({ object, name, after });
        const all: Event[] = [...items, ...page.items];
        items = all.slice(-before.kept);
        older ||= items.length < all.length;
        if (!page.next) return { items, older, kept: before.kept };
        after = page.next;
      }
    },
  });
}

/** Pages of single things, and lists of those that have none. */
const PAGES: Record<string, string> = { template: "/templates", provider: "/providers", host: "/hosts", pool: "/pools", recreation: "/recreations" };
const LISTS: Record<string, string> = {
  schedule: "/schedules", notification: "/notifications", token: "/tokens", alarm: "/alarms", audit: "/audit", recovery: "/recovery",
};

function pathOf({ object, name }: Event): string | undefined {
  const page = PAGES[object];
  return page ? `${page}/${encodeURIComponent(name)}` : LISTS[object];
}

export function EventList({ object, name, filters }: { object?: string; name?: string; filters?: ReactNode }) {
  const { t } = useTranslation();
  const events = useEvents(object, name);
  const queries = useQueryClient();
  const older = useAct(async () => {
    const shown = queries.getQueryData<History>(keyOf(object, name));
    if (!shown) return;
    const more = await withOlder(shown, object, name);
    // Meanwhile more may have happened; it stays.
    queries.setQueryData<History>(keyOf(object, name), (now) => now && { ...more, items: [...more.items, ...now.items.filter((it) => it.id > (shown.items.at(-1)?.id ?? 0))] });
  });
  const columns: Column<Event>[] = [
    { label: t("events.at"), by: (it) => it.id, cell: (it) => <time dateTime={it.at} className="dc-nowrap">{time(it.at)}</time> },
    {
      label: t("events.object"), by: (it) => `${it.object} ${it.name}`, className: "dc-cell-name",
      cell: (it) => {
        const path = pathOf(it);
        return <span className="dc-name"><span className="dc-quiet">{it.object}</span> {path ? <Link to={path}>{it.name}</Link> : it.name}</span>;
      },
    },
    { label: t("events.message"), by: (it) => it.message, className: "dc-cell-wide", cell: (it) => <span className="dc-name"><Said text={it.message} /> {it.code && <Explain code={it.code} />}</span> },
    { label: t("events.kind"), by: (it) => it.kind, cell: (it) => <code>{it.kind}</code> },
    { label: t("events.actor"), by: (it) => it.actor, className: "dc-cell-name", cell: (it) => it.actor },
  ];
  return (
    <Loaded query={events}>
      {(history) => (
        <>
          <Grid
            label={t("events.title")}
            rows={history.items}
            filtered={Boolean(object) && !name}
            name={(it) => String(it.id)}
            text={(it) => [it.object, it.name, it.message, it.kind, it.actor, it.code].join(" ")}
            columns={columns}
            descending
            filters={filters}
            start={<Start title={t("events.empty")}>{t("events.emptyBody")}</Start>}
          />
          {history.older && <div><Button variant="link" isDisabled={older.busy} isLoading={older.busy} onClick={() => void older.run()}>{t("events.older")}</Button></div>}
          <ProblemNote problem={older.problem} onClose={older.clear} />
        </>
      )}
    </Loaded>
  );
}
