// Distribution details: a row a provider, with everything that is known of it.
import { Alert, Button, ExpandableSection, ToolbarItem } from "@patternfly/react-core";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";
import { useAct } from "../../api/act";
import { api, told, type Schemas } from "../../api/client";
import { useDistribution, useProviders } from "../../api/queries";
import { ActButton } from "../../ui/ActButton";
import { Bar } from "../../ui/Bar";
import { Choice } from "../../ui/Choice";
import { Damage } from "../../ui/Damage";
import { bytes } from "../../ui/format";
import { Grid, type Column } from "../../ui/Grid";
import { Loaded } from "../../ui/Loaded";
import { Cause, ProblemNote } from "../../ui/ProblemNote";
import { Start } from "../../ui/Start";
import { Time } from "../../ui/Time";
import type { Task } from "../../ui/tasks";
import { Word } from "../../ui/Word";
import { AddProviders } from "./AddProviders";
import { Flow } from "./Flow";
import { isMoving } from "./LiveBar";
import { RemoveProviders } from "./RemoveProviders";
import { savedBytes, SavedWords, SourceWords } from "./Saved";

type Row = Schemas["DistributionRow"];

export function DistributionTable({ name }: { name: string }) {
  const query = useDistribution(name);
  return <Loaded query={query}>{(view) => <Details view={view} />}</Loaded>;
}

function Details({ view }: { view: Schemas["DistributionView"] }) {
  const { t } = useTranslation();
  const name = view.template;
  const providers = useProviders();
  const [state, setState] = useState("");
  const [dialog, setDialog] = useState<{ what: "add" } | { what: "remove"; provider: string }>();
  const [flow, setFlow] = useState(true);
  const path = { name };
  const keys = [["distribution", name], ["templates"]];
  const retry = useAct(
    (names: string[]) => told(api.POST("/api/v1/templates/{name}/distribution/retry", { params: { path }, body: { providers: names } })),
    keys,
  );
  const retryAll = { ...retry, run: () => retry.run([]) };
  const verify = useAct(
    (names: string[]) => told(api.POST("/api/v1/templates/{name}/distribution/verify", { params: { path }, body: { providers: names } })),
    keys,
  );
  const shown = state === "" ? view.providers : view.providers.filter((row) => row.state === state || row.progress === state);
  const failing = view.providers.some((row) => row.code);
  const states = [...new Set(view.providers.flatMap((row) => [row.state, row.progress]))].sort();

  const tasks = (row: Row): Task[] => [
    { label: t("distribution.retry"), act: () => void retry.run([row.provider]), not: row.code ? undefined : t("distribution.nothingFailed") },
    { label: t("distribution.verify"), act: () => void verify.run([row.provider]), not: row.state === "Ready" ? undefined : t("distribution.notHeld") },
    { label: t("distribution.remove"), act: () => setDialog({ what: "remove", provider: row.provider }), danger: true },
  ];
  const columns: Column<Row>[] = [
    {
      label: t("distribution.provider"), by: (row) => row.provider, className: "dc-cell-name",
      cell: (row) => <Link to={`/providers/${encodeURIComponent(row.provider)}`} className="dc-name">{row.provider}</Link>,
    },
    { label: t("distribution.state"), by: (row) => row.state, cell: (row) => <div className="dc-stack"><Word word={row.state} />{(row.damaged ?? []).length > 0 && <Word word="damaged" />}</div> },
    {
      label: t("distribution.progress"), by: (row) => row.percent, className: "dc-cell-wide",
      cell: (row) => <Progress row={row} onRetry={() => void retry.run([row.provider])} busy={retry.busy} />,
    },
    {
      label: t("distribution.bytes"), by: (row) => row.bytes_done,
      cell: (row) => (row.bytes_total > 0 ? (
        <span className="dc-nowrap">{t("distribution.done", { done: bytes(row.bytes_done), total: bytes(row.bytes_total) })}</span>
      ) : <None />),
    },
    { label: t("distribution.network"), by: (row) => row.bytes_network, cell: (row) => (row.bytes_network > 0 ? <span className="dc-nowrap">{bytes(row.bytes_network)}</span> : <None />) },
    {
      label: t("distribution.saved"), by: (row) => savedBytes(row.saved),
      cell: (row) => (row.saved && savedBytes(row.saved) > 0 ? <SavedWords saved={row.saved} /> : <None />),
    },
    { label: t("distribution.version"), by: (row) => row.version ?? 0, cell: (row) => (row.version ? `v${row.version}` : <None />) },
    { label: t("distribution.verified"), by: (row) => row.verified_at ?? "", cell: (row) => <Time at={row.verified_at} /> },
    {
      label: t("distribution.attempts"), by: (row) => row.attempts,
      cell: (row) => (
        <div className="dc-stack dc-nowrap">
          <span>{row.attempts}</span>
          {row.next_attempt_at && <span className="dc-small dc-quiet">{t("distribution.next")} <Time at={row.next_attempt_at} /></span>}
        </div>
      ),
    },
  ];
  const rows = view.providers.filter((row) => isMoving(row.progress) && row.phase === "transferring");
  return (
    <div className="dc-gap">
      <ProblemNote problem={retry.problem ?? verify.problem} onClose={() => { retry.clear(); verify.clear(); }} />
      {view.providers.flatMap((row) => (row.damaged ?? []).map((it) => <Damage key={`${row.provider} ${it.version}`} damage={it} of={t("damage.on", { template: name, provider: row.provider })} />))}
      {view.summary.removal_pending > 0 && (
        <Alert isInline isPlain variant="info" title={t("distribution.pending", { count: view.summary.removal_pending })} />
      )}
      {rows.length > 0 && providers.data && (
        <ExpandableSection isExpanded={flow} onToggle={(_, open) => setFlow(open)} toggleText={t("distribution.flow")}>
          <Flow rows={view.providers} providers={providers.data} />
        </ExpandableSection>
      )}
      <Grid
        label={t("distribution.of", { template: name })}
        rows={shown}
        filtered={state !== ""}
        name={(row) => row.provider}
        text={(row) => [row.provider, row.state, row.progress, row.phase, row.code].join(" ")}
        columns={columns}
        tasks={tasks}
        filters={<Choice label={t("distribution.filter")} all={t("distribution.every")} value={state} onChange={setState} choices={states} />}
        buttons={
          <>
            <ToolbarItem><Button variant="secondary" onClick={() => setDialog({ what: "add" })}>{t("distribution.add")}</Button></ToolbarItem>
            {failing && <ToolbarItem><ActButton variant="secondary" act={retryAll}>{t("distribution.retryAll")}</ActButton></ToolbarItem>}
          </>
        }
        start={
          <Start title={t("distribution.empty")} action={<Button onClick={() => setDialog({ what: "add" })}>{t("distribution.add")}</Button>}>
            {t("distribution.emptyBody")}
          </Start>
        }
      />
      {dialog?.what === "add" && <AddProviders template={name} onClose={() => setDialog(undefined)} />}
      {dialog?.what === "remove" && (
        <RemoveProviders template={name} providers={[dialog.provider]} onClose={() => setDialog(undefined)} />
      )}
    </div>
  );
}

function Progress({ row, onRetry, busy }: { row: Row; onRetry: () => void; busy: boolean }) {
  const { t } = useTranslation();
  const moving = isMoving(row.progress);
  return (
    <div className="dc-stack">
      <div className="dc-row">
        <Word word={row.progress} />
        {row.phase && row.phase !== "ready" && <span className="dc-quiet dc-small">{row.phase}</span>}
      </div>
      {moving && (
        <Bar label={t("progress.of", { of: row.provider })} value={row.percent} perSecond={row.bytes_per_second} secondsLeft={row.seconds_left} />
      )}
      {moving && <SourceWords sources={row.sources ?? []} />}
      {moving && row.limited && <span className="dc-quiet dc-small">{row.limited.text}</span>}
      {row.state !== "Ready" && <span className="dc-quiet dc-small">{t("distribution.since")} <Time at={row.since} /></span>}
      {row.code && row.cause && (
        <>
          <Cause problem={{ code: row.code, cause: row.cause, hint: row.hint ?? "" }} />
          <div><Button variant="secondary" size="sm" isDisabled={busy} onClick={onRetry} aria-label={t("distribution.retryOn", { provider: row.provider })}>{t("distribution.retry")}</Button></div>
        </>
      )}
    </div>
  );
}

function None() {
  const { t } = useTranslation();
  return <span className="dc-quiet">{t("common.none")}</span>;
}
