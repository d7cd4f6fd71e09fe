// The audit trail: who changed what, when, from where, and what it was before and after.
import { Button, PageSection, ToolbarItem } from "@patternfly/react-core";
import { useInfiniteQuery } from "@tanstack/react-query";
import { useMemo, useState } from "react";
import { useTranslation } from "react-i18next";
import { api, told, type Schemas } from "../../api/client";
import { Choice } from "../../ui/Choice";
import { Grid, type Column } from "../../ui/Grid";
import { Heading } from "../../ui/Heading";
import { Loaded } from "../../ui/Loaded";
import { Explain } from "../../ui/ProblemNote";
import { Said } from "../../ui/Said";
import { Start } from "../../ui/Start";
import { time } from "../../ui/format";
import { Keep } from "./Keep";
import { ShowEntry } from "./ShowEntry";

type Entry = Schemas["AuditEntryView"];
const PAGE = 200;
const OBJECTS = ["template", "provider", "member", "version", "host", "pool", "recreation", "schedule", "token", "notification", "session", "server"];

/** The newest, and older ones as they are asked for. */
function useAudit(object: string) {
  const query = useInfiniteQuery({
    queryKey: ["audit", object],
    initialPageParam: undefined as string | undefined,
    queryFn: ({ pageParam }) => told(api.GET("/api/v1/audit", { params: { query: { ...(object && { object }), limit: PAGE, after: pageParam } } })),
    getNextPageParam: (page) => page.next ?? undefined,
  });
  const data = useMemo(() => query.data?.pages.flatMap((page) => page.items), [query.data]);
  return { ...query, data };
}

export function AuditPage() {
  const { t } = useTranslation();
  const [object, setObject] = useState("");
  const [shown, setShown] = useState<Entry>();
  const [keeping, setKeeping] = useState(false);
  const audit = useAudit(object);
  const columns: Column<Entry>[] = [
    { label: t("audit.at"), by: (it) => it.id, cell: (it) => <time dateTime={it.at} className="dc-nowrap">{time(it.at)}</time> },
    { label: t("audit.who"), by: (it) => it.who, className: "dc-cell-name", cell: (it) => <div className="dc-stack"><span className="dc-name">{it.who}</span><span className="dc-small dc-quiet">{it.from}</span></div> },
    {
      label: t("audit.what"), by: (it) => it.message, className: "dc-cell-wide",
      cell: (it) => (
        <div className="dc-stack">
          <span className="dc-name"><Said text={it.message} /></span>
          {it.refused && <span className="dc-refused">{t("audit.refused")} <Explain code={it.refused} /></span>}
        </div>
      ),
    },
    { label: t("audit.object"), by: (it) => `${it.object} ${it.name}`, className: "dc-cell-name", cell: (it) => <span className="dc-name"><span className="dc-quiet">{it.object}</span> {it.name}</span> },
    { label: t("audit.action"), by: (it) => it.action, cell: (it) => <code>{it.action}</code> },
    { label: t("audit.details"), quiet: true, cell: (it) => <Button variant="link" isInline onClick={() => setShown(it)} aria-label={t("audit.show", { id: it.id })}>{t("audit.details")}</Button> },
  ];
  return (
    <>
      <Heading title={t("audit.title")} actions={<Button variant="secondary" onClick={() => setKeeping(true)}>{t("audit.keep")}</Button>}>
        <p className="dc-quiet">{t("audit.about")}</p>
      </Heading>
      <PageSection isFilled>
        <Loaded query={audit}>
          {(rows) => (
            <Grid
              label={t("audit.title")}
              rows={rows}
              filtered={object !== ""}
              name={(it) => String(it.id)}
              text={(it) => [it.who, it.from, it.message, it.object, it.name, it.action, it.call, it.request].join(" ")}
              columns={columns}
              descending
              filters={<Choice label={t("audit.filter")} all={t("audit.every")} value={object} onChange={setObject} choices={OBJECTS} />}
              buttons={audit.hasNextPage && <ToolbarItem><Button variant="secondary" isLoading={audit.isFetchingNextPage} isDisabled={audit.isFetchingNextPage} onClick={() => void audit.fetchNextPage()}>{t("audit.older")}</Button></ToolbarItem>}
              start={<Start title={t("audit.empty")}>{t("audit.emptyBody")}</Start>}
            />
          )}
        </Loaded>
      </PageSection>
      {shown && <ShowEntry entry={shown} onClose={() => setShown(undefined)} />}
      {keeping && <Keep onClose={() => setKeeping(false)} />}
    </>
  );
}
