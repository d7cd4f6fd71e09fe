// What happened, the newest first: of everything, or of one thing.
import { useQuery } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";
import { api, told, type Schemas } from "../../api/client";
import { Grid, type Column } from "../../ui/Grid";
import { Loaded } from "../../ui/Loaded";
import { Explain } from "../../ui/ProblemNote";
import { Said } from "../../ui/Said";
import { Start } from "../../ui/Start";
import { time } from "../../ui/format";
import type { ReactNode } from "react";

type Event = Schemas["EventView"];

/** Of a long history the newest page is read at first, and so many are kept as more happens. */
const KEPT = 5000;
const PAGE = 1000;

function useEvents(object?: string, name?: string) {
  return useQuery({
    queryKey: ["events", object, name],
    structuralSharing: false,
    // Only what is new is read: what happened does not change.
    queryFn: async ({ client, queryKey }) => {
      let items = client.getQueryData<Event[]>(queryKey) ?? [];
      if (items.length === 0) {
        const newest = await told(api.GET("/api/v1/events/history", { params: { query: { object, name, order: "newest", limit: PAGE } } }));
        return newest.items.reverse();
      }
      let after: string | undefined = String(items.at(-1)?.id);
      for (;;) {
        const query: { object?: string; name?: string; after?: string; limit: number } = { object, name, after, limit: PAGE };
        const page: Schemas["EventList"] = await told(api.GET("/api/v1/events/history", { params: { query } }));
        items = [...items, ...page.items].slice(-KEPT);
        if (!page.next) return items;
        after = page.next;
      }
    },
  });
}

const PATHS: Record<string, string> = { template: "/templates", provider: "/providers", host: "/hosts", pool: "/pools" };

export function EventList({ object, name, filters }: { object?: string; name?: string; filters?: ReactNode }) {
  const { t } = useTranslation();
  const events = useEvents(object, name);
  const columns: Column<Event>[] = [
    { label: t("events.at"), by: (it) => it.id, cell: (it) => <time dateTime={it.at} className="dc-nowrap">{time(it.at)}</time> },
    {
      label: t("events.object"), by: (it) => `${it.object} ${it.name}`, className: "dc-cell-name",
      cell: (it) => {
        const path = PATHS[it.object];
        return <span className="dc-name"><span className="dc-quiet">{it.object}</span> {path ? <Link to={`${path}/${encodeURIComponent(it.name)}`}>{it.name}</Link> : it.name}</span>;
      },
    },
    { label: t("events.message"), by: (it) => it.message, className: "dc-cell-wide", cell: (it) => <span className="dc-name"><Said text={it.message} /> {it.code && <Explain code={it.code} />}</span> },
    { label: t("events.kind"), by: (it) => it.kind, cell: (it) => <code>{it.kind}</code> },
    { label: t("events.actor"), by: (it) => it.actor, className: "dc-cell-name", cell: (it) => it.actor },
  ];
  return (
    <Loaded query={events}>
      {(rows) => (
        <Grid
          label={t("events.title")}
          rows={rows}
          filtered={Boolean(object) && !name}
          name={(it) => String(it.id)}
          text={(it) => [it.object, it.name, it.message, it.kind, it.actor, it.code].join(" ")}
          columns={columns}
          descending
          filters={filters}
          start={<Start title={t("events.empty")}>{t("events.emptyBody")}</Start>}
        />
      )}
    </Loaded>
  );
}
