// What can be done with a pool, wherever it is shown.
import { Button, Checkbox } from "@patternfly/react-core";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { useNavigate } from "react-router";
import { useAct } from "../../api/act";
import { api, ifMatch, told, type Schemas } from "../../api/client";
import { usePool } from "../../api/queries";
import { Ask } from "../../ui/Ask";
import { Plan, usePlan } from "../../ui/Plan";
import type { Task } from "../../ui/tasks";
import { DataChoice, type Data } from "../hosts/DataChoice";
import { setupChange, SetupFields, setupOf } from "../hosts/Setup";
import { Recreate } from "../recreations/Recreate";
import { settingsBody, SettingsFields, settingsOf, settingsWrong } from "./Settings";

type Pool = Schemas["PoolView"];

export const poolPath = (name: string) => `/pools/${encodeURIComponent(name)}`;

export function usePoolTasks(onDeleted?: () => void) {
  const { t } = useTranslation();
  const navigate = useNavigate();
  const [doing, setDoing] = useState<{ what: "change" | "recreate" | "delete"; pool: Pool }>();
  const close = () => setDoing(undefined);
  const tasks = (pool: Pool): Task[] => [
    { label: t("pools.details"), act: () => void navigate(poolPath(pool.name)) },
    { label: t("pools.change"), act: () => setDoing({ what: "change", pool }) },
    { label: t("hosts.recreateOutdated"), act: () => setDoing({ what: "recreate", pool }), not: pool.outdated > 0 ? undefined : t("hosts.noneOutdated") },
    { label: t("pools.delete"), act: () => setDoing({ what: "delete", pool }), danger: true },
  ];
  const dialog = doing && (
    <>
      {doing.what === "change" && <ChangePool name={doing.pool.name} onClose={close} />}
      {doing.what === "recreate" && <Recreate what={{ pool: doing.pool.name, outdated: true }} onClose={close} />}
      {doing.what === "delete" && <DeletePool pool={doing.pool} onClose={close} onDeleted={onDeleted} />}
    </>
  );
  return { tasks, dialog };
}

function ChangePool({ name, onClose }: { name: string; onClose: () => void }) {
  const read = usePool(name);
  const [round, setRound] = useState(0);
  if (!read.data) return null;
  const again = async () => {
    await read.refetch();
    setRound(round + 1);
  };
  return <Change key={round} pool={read.data.value} etag={read.data.etag} onClose={onClose} onAgain={() => void again()} />;
}

function Change({ pool, etag, onClose, onAgain }: { pool: Pool; etag: string | undefined; onClose: () => void; onAgain: () => void }) {
  const { t } = useTranslation();
  const [seen] = useState({ settings: settingsOf(pool), setup: setupOf(pool.setup), etag });
  const [settings, setSettings] = useState(seen.settings);
  const [setup, setSetup] = useState(seen.setup);
  const path = { name: pool.name };
  const prepared = setupChange(seen.setup, setup);
  const body = { ...settingsBody(settings, seen.settings), ...(prepared && { setup: prepared }) };
  const changed = Object.keys(body).length > 0 && !settingsWrong(settings);
  const ask = (dry_run: boolean) =>
    told(api.PATCH("/api/v1/pools/{name}", { params: { path, query: { dry_run } }, headers: ifMatch(dry_run ? undefined : seen.etag), body }));
  const plan = usePlan(["change-pool", pool.name, body], changed ? () => ask(true) : undefined);
  const act = useAct(() => ask(false), [["pool", pool.name], ["pools"]]);
  const stale = act.problem?.status === 412;
  return (
    <Ask title={t("pools.changeTitle", { name: pool.name })} doing={t("common.save")} act={act} onClose={onClose} disabled={!changed || stale} extra={stale ? <Button variant="secondary" onClick={onAgain}>{t("common.readAgain")}</Button> : undefined}>
      <SettingsFields settings={settings} onChange={setSettings} />
      <SetupFields setup={setup} onSay={(said) => setSetup({ ...setup, ...said })} />
      <Plan plan={plan} />
    </Ask>
  );
}

function DeletePool({ pool, onClose, onDeleted }: { pool: Pool; onClose: () => void; onDeleted?: () => void }) {
  const { t } = useTranslation();
  const [keep, setKeep] = useState(false);
  const [data, setData] = useState<Data>("");
  const path = { name: pool.name };
  const query = { keep_hosts: keep, ...(data !== "" && { data: data === "delete" }) };
  const ask = (dry_run: boolean) => told(api.DELETE("/api/v1/pools/{name}", { params: { path, query: { ...query, dry_run } } }));
  const plan = usePlan(["delete-pool", pool.name, query], () => ask(true));
  const act = useAct(() => ask(false), [["pools"], ["hosts"]]);
  const then = () => {
    onClose();
    onDeleted?.();
  };
  return (
    <Ask title={t("pools.deleteTitle", { name: pool.name })} doing={t("pools.delete")} act={act} onClose={onClose} then={then} danger>
      <Checkbox id="keep-hosts" label={t("pools.keepHosts")} description={t("pools.keepHostsHelp", { count: pool.hosts })} isChecked={keep} onChange={(_, on) => setKeep(on)} />
      {!keep && pool.setup.data_disk_bytes ? <DataChoice data={data} onChange={setData} /> : null}
      <Plan plan={plan} />
    </Ask>
  );
}
