// A list of hosts, ten thousand or three, with what can be done with several at once.
import { Button, ToolbarItem } from "@patternfly/react-core";
import { DesktopIcon } from "@patternfly/react-icons";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";
import type { Schemas } from "../../api/client";
import { useHosts, type HostFilter } from "../../api/queries";
import { Choice } from "../../ui/Choice";
import { Grid, type Column } from "../../ui/Grid";
import { Loaded } from "../../ui/Loaded";
import { Cause } from "../../ui/ProblemNote";
import { Start } from "../../ui/Start";
import { Word } from "../../ui/Word";
import { Several } from "./Several";
import { hostPath, useHostTasks } from "./tasks";

type Host = Schemas["HostView"];
const OUTDATED = "outdated";

export function HostList({ filter, filtered, onCreate }: { filter: HostFilter; filtered?: boolean; onCreate?: () => void }) {
  const query = useHosts(filter);
  return <Loaded query={query}>{(rows) => <Hosts rows={rows} more={query.more} filtered={filtered} onCreate={onCreate} />}</Loaded>;
}

interface HostsProps {
  rows: Host[];
  more: boolean;
  filtered?: boolean;
  onCreate?: () => void;
}

function Hosts({ rows, more, filtered, onCreate }: HostsProps) {
  const { t } = useTranslation();
  const { tasks, dialog } = useHostTasks();
  const [status, setStatus] = useState("");
  const [marked, setMarked] = useState<Set<string>>(new Set());
  const [several, setSeveral] = useState<"recreate" | "start" | "stop" | "delete">();
  const columns: Column<Host>[] = [
    { label: t("hosts.name"), by: (it) => it.name, className: "dc-cell-name", cell: (it) => <Link to={hostPath(it.name)} className="dc-name">{it.name}</Link> },
    {
      label: t("hosts.status"), by: (it) => it.status,
      cell: (it) => <div className="dc-stack"><Word word={it.status} />{it.problem && <Cause problem={it.problem} />}</div>,
    },
    { label: t("hosts.template"), by: (it) => it.template, className: "dc-cell-name", cell: (it) => it.template },
    {
      label: t("hosts.version"), by: (it) => it.version,
      cell: (it) => <div className="dc-row dc-nowrap"><span>v{it.version}</span>{it.outdated && <Word word={OUTDATED} text={t("hosts.outdated")} />}</div>,
    },
    {
      label: t("hosts.inUse"), by: (it) => it.in_use,
      cell: (it) => <div className="dc-stack"><span>{t(`hosts.use.${it.in_use as "yes" | "no" | "unknown"}`)}</span>{it.users.length > 0 && <span className="dc-small dc-quiet dc-name">{it.users.join(", ")}</span>}</div>,
    },
    { label: t("hosts.provider"), by: (it) => it.provider, className: "dc-cell-name", cell: (it) => <Link to={`/providers/${encodeURIComponent(it.provider)}`}>{it.provider}</Link> },
    { label: t("hosts.pool"), by: (it) => it.pool ?? "", className: "dc-cell-name", cell: (it) => it.pool ? <Link to={`/pools/${encodeURIComponent(it.pool)}`}>{it.pool}</Link> : <span className="dc-quiet">{t("common.none")}</span> },
    { label: t("hosts.addresses"), by: (it) => it.addresses[0] ?? "", cell: (it) => it.addresses.join(", ") },
  ];
  const shown = status === "" ? rows : rows.filter((it) => (status === OUTDATED ? it.outdated : it.status === status));
  const words = [...new Set(rows.map((it) => it.status))].sort();
  const chosen = rows.filter((it) => marked.has(it.name));
  const acts = ["recreate", "start", "stop", "delete"] as const;
  return (
    <>
      <Grid
        label={t("hosts.title")}
        rows={shown}
        filtered={status !== "" || filtered}
        name={(it) => it.name}
        text={(it) => [it.name, it.status, it.template, it.provider, it.pool, ...it.users, ...it.addresses].join(" ")}
        columns={columns}
        tasks={tasks}
        selection={{ names: marked, set: setMarked }}
        filters={
          <>
            <Choice label={t("hosts.filter")} all={t("hosts.every")} value={status} onChange={setStatus} choices={rows.some((it) => it.outdated) ? [...words, OUTDATED] : words} />
            {more && <ToolbarItem alignSelf="center"><span className="dc-quiet" aria-live="polite">{t("common.loading")}</span></ToolbarItem>}
          </>
        }
        buttons={chosen.length > 0 && (
          <>
            {acts.map((it) => (
              <ToolbarItem key={it}>
                <Button variant="secondary" isDanger={it === "delete"} onClick={() => setSeveral(it)}>{t(`hosts.several.${it}`, { count: chosen.length })}</Button>
              </ToolbarItem>
            ))}
          </>
        )}
        start={
          <Start icon={DesktopIcon} title={t("hosts.empty")} action={onCreate && <Button onClick={onCreate}>{t("hosts.create")}</Button>}>
            {t("hosts.emptyBody")}
          </Start>
        }
      />
      {dialog}
      {several && <Several what={several} hosts={chosen} onClose={() => setSeveral(undefined)} onDone={() => { setSeveral(undefined); setMarked(new Set()); }} />}
    </>
  );
}
