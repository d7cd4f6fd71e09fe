// Properties of a template: what it is, how it is distributed and kept, what its hosts are like, what its networks are on each provider.
import { Alert, Button, Card, CardBody, CardTitle, List, ListItem } from "@patternfly/react-core";
import { Table, Tbody, Td, Th, Thead, Tr } from "@patternfly/react-table";
import { useState } from "react";
import type { TFunction } from "i18next";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";
import { useAct } from "../../api/act";
import { api, ifMatch, tagged, told, type Schemas } from "../../api/client";
import { useDistribution, useProviders } from "../../api/queries";
import { Ask } from "../../ui/Ask";
import { Facts } from "../../ui/Facts";
import { NumberField } from "../../ui/Field";
import { bytes, time } from "../../ui/format";
import { limitBody, LimitField, limitRight, LimitWords } from "../../ui/Limit";
import { Plan, usePlan } from "../../ui/Plan";
import { sentence } from "../../ui/ProblemNote";
import { defaultsChange, defaultsOf, defaultsRight, HostDefaultsFacts, HostDefaultsFields } from "./HostDefaults";

type Template = Schemas["TemplateView"];

/** What was given back of the guest's free space, or would have been. */
function trimmed(t: TFunction, trimming: Template["trimming"]): string {
  if (!trimming) return t("common.none");
  const said = trimming.trimmed ? "trimming.given" : trimming.bytes > 0 ? "trimming.spared" : "trimming.nothing";
  return [t(said, { bytes: bytes(trimming.bytes) }), ...trimming.places].join("; ");
}

export function Properties({ template, etag }: { template: Template; etag: string | undefined }) {
  const { t } = useTranslation();
  const [edit, setEdit] = useState<"rules" | "hosts">();
  const { size, hardware } = template;
  return (
    <div className="dc-gap">
      {template.warnings.length > 0 && (
        <Alert isInline variant="warning" title={t("templates.warnings", { count: template.warnings.length })}>
          <List>{template.warnings.map((it) => <ListItem key={it}>{sentence(it)}</ListItem>)}</List>
        </Alert>
      )}
      <Card isCompact>
        <CardTitle component="h2">{t("properties.general")}</CardTitle>
        <CardBody>
          <Facts
            facts={[
              [t("properties.name"), template.name],
              [t("properties.created"), time(template.created_at)],
              [t("properties.digest"), template.digest ?? t("common.none")],
              [t("properties.size"), size ? t("properties.sizes", { virtual: bytes(size.virtual_bytes), data: bytes(size.data_bytes), packed: bytes(size.packed_bytes) }) : t("common.none")],
              [t("trimming.title"), trimmed(t, template.trimming)],
              [t("properties.machine"), hardware ? t("properties.hardware", { count: hardware.vcpus, memory: bytes(hardware.memory_bytes), machine: hardware.machine, firmware: hardware.firmware }) : t("common.none")],
              [t("properties.devices"), hardware ? [...hardware.disks, ...hardware.nics].join(", ") : t("common.none")],
            ]}
          />
        </CardBody>
      </Card>
      <Card isCompact>
        <CardTitle component="h2">{t("properties.rules")}</CardTitle>
        <CardBody className="dc-gap">
          <Facts
            facts={[
              [t("properties.concurrency"), template.concurrency],
              [t("properties.keep"), template.keep === 0 ? t("properties.keepAll") : t("properties.keepSome", { count: template.keep })],
              [t("limit.title"), <LimitWords key="l" limit={template.limit} limited={template.limited} />],
            ]}
          />
          <div><Button variant="secondary" onClick={() => setEdit("rules")}>{t("properties.change")}</Button></div>
        </CardBody>
      </Card>
      <Card isCompact>
        <CardTitle component="h2">{t("hostDefaults.title")}</CardTitle>
        <CardBody className="dc-gap">
          <HostDefaultsFacts defaults={defaultsOf(template.host_defaults)} />
          <div><Button variant="secondary" onClick={() => setEdit("hosts")}>{t("hostDefaults.change")}</Button></div>
        </CardBody>
      </Card>
      <Mapping template={template} />
      {edit && <Change what={edit} template={template} etag={etag} onClose={() => setEdit(undefined)} />}
    </div>
  );
}

/** The state that is changed is the one that was read when the dialog was opened, and no later one. */
function Change({ what, template, etag, onClose }: { what: "rules" | "hosts"; template: Template; etag: string | undefined; onClose: () => void }) {
  const { t } = useTranslation();
  const [seen, setSeen] = useState({ template, etag });
  const [concurrency, setConcurrency] = useState(template.concurrency);
  const [keep, setKeep] = useState(template.keep);
  const [limit, setLimit] = useState(template.limit ?? "");
  const [defaults, setDefaults] = useState(defaultsOf(template.host_defaults));
  const path = { name: template.name };
  const body = {
    ...limitBody(seen.template.limit, limit),
    ...(concurrency !== seen.template.concurrency && { concurrency }),
    ...defaultsChange(defaultsOf(seen.template.host_defaults), defaults),
    ...(keep !== seen.template.keep && { keep }),
  };
  const changed = Object.keys(body).length > 0 && limitRight(limit) && defaultsRight(defaults);
  const ask = (dry_run: boolean) =>
    told(api.PATCH("/api/v1/templates/{name}", { params: { path, query: { dry_run } }, headers: ifMatch(dry_run ? undefined : seen.etag), body }));
  const plan = usePlan(["change-template", template.name, body], changed ? () => ask(true) : undefined);
  const act = useAct(() => ask(false), [["template", template.name], ["templates"], ["versions", template.name]]);
  const again = useAct(async () => {
    const now = await tagged(api.GET("/api/v1/templates/{name}", { params: { path } }));
    setSeen({ template: now.value, etag: now.etag });
    setConcurrency(now.value.concurrency);
    setKeep(now.value.keep);
    setLimit(now.value.limit ?? "");
    setDefaults(defaultsOf(now.value.host_defaults));
    act.clear();
  });
  const stale = act.problem?.status === 412;
  const extra = stale ? <Button variant="secondary" onClick={() => void again.run()}>{t("common.readAgain")}</Button> : undefined;
  return (
    <Ask title={t(what === "hosts" ? "hostDefaults.changeTitle" : "properties.changeTitle", { name: template.name })} doing={t("common.save")} act={act} onClose={onClose} disabled={!changed || stale} extra={extra}>
      {what === "hosts" ? (
        <HostDefaultsFields defaults={defaults} onChange={setDefaults} />
      ) : (
        <>
          <NumberField label={t("properties.concurrency")} help={t("properties.concurrencyHelp")} value={concurrency} onChange={setConcurrency} min={1} />
          <NumberField label={t("properties.keep")} help={t("properties.keepHelp")} value={keep} onChange={setKeep} min={0} />
          <LimitField help={t("limit.templateHelp")} value={limit} onChange={setLimit} />
        </>
      )}
      <Plan plan={plan} />
    </Ask>
  );
}

/** Which network the template's become on each provider. */
function Mapping({ template }: { template: Template }) {
  const { t } = useTranslation();
  const distribution = useDistribution(template.name).data;
  const providers = useProviders().data;
  const networks = [...new Set((template.hardware?.nics ?? []).map((nic) => nic.split(" on ")[1] ?? nic))];
  if (networks.length === 0 || !distribution || !providers) return null;
  const rows = distribution.providers.map((row) => providers.find((it) => it.name === row.provider)).filter((it) => it !== undefined);
  return (
    <Card isCompact>
      <CardTitle component="h2">{t("properties.mapping")}</CardTitle>
      <CardBody>
        <div className="dc-scroll" role="region" aria-label={t("properties.mapping")} tabIndex={0}>
          <Table variant="compact" aria-label={t("properties.mapping")} gridBreakPoint="">
            <Thead><Tr><Th>{t("distribution.provider")}</Th>{networks.map((it) => <Th key={it}>{it}</Th>)}<Th>{t("providers.storage")}</Th></Tr></Thead>
            <Tbody>
              {rows.map((it) => (
                <Tr key={it.name}>
                  <Td className="dc-cell-name"><Link to={`/providers/${encodeURIComponent(it.name)}`}>{it.name}</Link></Td>
                  {networks.map((network) => <Td key={network}>{networkOn(it, network) ?? <span className="dc-refused">{t("properties.unmapped")}</span>}</Td>)}
                  <Td>{it.storage}</Td>
                </Tr>
              ))}
            </Tbody>
          </Table>
        </div>
      </CardBody>
    </Card>
  );
}

function networkOn(provider: Schemas["ProviderView"], network: string): string | undefined {
  const mapped = provider.networks[network];
  if (mapped) return mapped;
  const same = provider.facts?.networks.some((it) => it.name === network);
  return same || !provider.facts ? network : undefined;
}
