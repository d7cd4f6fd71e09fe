// The same done with several hosts. Each is asked for by itself: what was refused is named.
import { Checkbox } from "@patternfly/react-core";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { useAct } from "../../api/act";
import { api, problemOf, Refusal, told, type Schemas } from "../../api/client";
import { Ask } from "../../ui/Ask";
import { shortened } from "../../ui/Plan";
import { Recreate } from "../recreations/Recreate";
import { DataChoice, type Data } from "./DataChoice";

type Host = Schemas["HostView"];

interface Props {
  what: "recreate" | "start" | "stop" | "delete";
  hosts: Host[];
  onClose: () => void;
  onDone: () => void;
}

/** Requests under way at a time. */
const TOGETHER = 6;

export function Several({ what, hosts, onClose, onDone }: Props) {
  const { t } = useTranslation();
  const [force, setForce] = useState(false);
  const [data, setData] = useState<Data>("");
  const act = useAct(() => each(hosts, (host) => (what === "recreate" ? Promise.resolve() : ask(what, host, force, data))), [["hosts"], ["templates"]]);
  if (what === "recreate") return <Recreate what={{ hosts: hosts.map((it) => it.name) }} onClose={onClose} />;
  const users = hosts.filter((it) => it.in_use !== "no").map((it) => it.name);
  const withData = hosts.some((it) => it.setup.data_disk_bytes);
  const undecided = what === "delete" && withData && data === "";
  return (
    <Ask title={t(`hosts.several.${what}`, { count: hosts.length })} doing={t(`hosts.${what}`)} act={act} onClose={onClose} then={onDone} danger={what !== "start"} disabled={undecided}>
      <p>{t(`hosts.${what}Body`)}</p>
      <p className="dc-name">{shortened(hosts.map((it) => it.name))}</p>
      {what !== "start" && users.length > 0 && <p className="dc-name"><strong>{t("hosts.mayBeUsed", { count: users.length })}</strong> {shortened(users)}</p>}
      {what === "stop" && <Checkbox id="cut" label={t("hosts.cut")} description={t("hosts.cutHelp")} isChecked={force} onChange={(_, on) => setForce(on)} />}
      {what === "delete" && withData && <DataChoice data={data} onChange={setData} />}
    </Ask>
  );
}

function ask(what: "start" | "stop" | "delete", host: Host, force: boolean, data: Data): Promise<unknown> {
  const path = { name: host.name };
  switch (what) {
    case "start": return told(api.POST("/api/v1/hosts/{name}/start", { params: { path } }));
    case "stop": return told(api.POST("/api/v1/hosts/{name}/stop", { params: { path, query: { force } } }));
    case "delete": {
      const query = host.setup.data_disk_bytes && data !== "" ? { data: data === "delete" } : {};
      return told(api.DELETE("/api/v1/hosts/{name}", { params: { path, query } }));
    }
  }
}

/** Does all of them; if some are refused, says the first refusal and names them all. */
async function each(hosts: Host[], act: (host: Host) => Promise<unknown>) {
  const waiting = [...hosts];
  const refused: { name: string; error: unknown }[] = [];
  const worker = async () => {
    for (let host = waiting.shift(); host; host = waiting.shift()) {
      const { name } = host;
      await act(host).catch((error: unknown) => refused.push({ name, error }));
    }
  };
  await Promise.all(Array.from({ length: TOGETHER }, worker));
  const first = refused[0];
  if (first) throw new Refusal({ ...problemOf(first.error), blockers: refused.map((it) => it.name) });
}
