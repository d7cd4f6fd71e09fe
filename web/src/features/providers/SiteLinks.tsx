// The links between sites: what crosses them now, and what may.
import { Button, Card, CardBody, CardTitle } from "@patternfly/react-core";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { useAct } from "../../api/act";
import { api, told, type Schemas } from "../../api/client";
import { useSites } from "../../api/queries";
import { Ask } from "../../ui/Ask";
import { ChoiceField } from "../../ui/Field";
import { rate } from "../../ui/format";
import { Grid, type Column } from "../../ui/Grid";
import { LimitField, limitRight, LimitWords } from "../../ui/Limit";

type Site = Schemas["SiteView"];
type Link = Schemas["SiteLinkView"];

/** Of the server: those providers stand there that name no site. */
const UNNAMED = "-";

/** Where there is more than one site. */
export function SiteLinks() {
  const sites = useSites().data;
  return sites && sites.length > 1 ? <SiteLinksOf sites={sites} /> : null;
}

/** Each link once, although both of its sites tell of it. */
export const linksOf = (sites: Site[]): Link[] => sites.flatMap((site) => site.links).filter((it) => it.site < it.other);

export function SiteLinksOf({ sites }: { sites: Site[] }) {
  const { t } = useTranslation();
  const [asked, setAsked] = useState<Partial<Link>>();
  const siteName = (name: string) => (name === UNNAMED ? t("distribution.noSite") : name);
  const name = (it: Link) => t("sites.pair", { site: siteName(it.site), other: siteName(it.other) });
  const flows = (from: string, to: string, perSecond: number) => (perSecond > 0 ? [t("sites.flow", { from: siteName(from), to: siteName(to), rate: rate(perSecond) })] : []);
  const columns: Column<Link>[] = [
    { label: t("sites.link"), by: name, className: "dc-cell-name", cell: name },
    {
      label: t("sites.now"), by: (it) => it.sending_bytes_per_second + it.receiving_bytes_per_second,
      cell: (it) => {
        const both = [...flows(it.site, it.other, it.sending_bytes_per_second), ...flows(it.other, it.site, it.receiving_bytes_per_second)];
        return both.length > 0 ? <div className="dc-stack">{both.map((words) => <span key={words}>{words}</span>)}</div> : <span className="dc-quiet">{t("common.none")}</span>;
      },
    },
    { label: t("sites.limit"), by: (it) => it.limit ?? "", className: "dc-cell-wide", cell: (it) => <LimitWords limit={it.limit} limited={it.limited} /> },
  ];
  const add = <Button variant="secondary" onClick={() => setAsked({})}>{t("sites.add")}</Button>;
  return (
    <Card isCompact>
      <CardTitle component="h2">{t("sites.title")}</CardTitle>
      <CardBody>
        <Grid
          label={t("sites.title")} rows={linksOf(sites)} name={name} columns={columns} buttons={add}
          tasks={(it) => [{ label: t("sites.change"), act: () => setAsked(it) }]}
          start={<div className="dc-stack"><p>{t("sites.empty")}</p><div>{add}</div></div>}
        />
      </CardBody>
      {asked && <ChangeLink sites={sites.map((it) => it.name)} before={asked} siteName={siteName} onClose={() => setAsked(undefined)} />}
    </Card>
  );
}

function ChangeLink({ sites, before, siteName, onClose }: { sites: string[]; before: Partial<Link>; siteName: (name: string) => string; onClose: () => void }) {
  const { t } = useTranslation();
  const [site, setSite] = useState(before.site ?? sites[0] ?? "");
  const [chosen, setOther] = useState(before.other ?? "");
  const others = sites.filter((it) => it !== site);
  const other = others.includes(chosen) ? chosen : (others[0] ?? "");
  const [limit, setLimit] = useState(before.limit ?? "");
  const act = useAct(
    () => told(api.PUT("/api/v1/sites/{name}/links/{other}", { params: { path: { name: site, other } }, body: { limit: limit.trim() || "off" } })),
    [["sites"], ["distribution"]],
  );
  const choices = (names: string[]) => names.map((value) => ({ value, label: siteName(value) }));
  const known = before.site !== undefined;
  return (
    <Ask title={known ? t("sites.changeTitle", { link: t("sites.pair", { site: siteName(site), other: siteName(other) }) }) : t("sites.add")} doing={t("common.save")} act={act} onClose={onClose} disabled={!limitRight(limit)} variant="small">
      {!known && <ChoiceField label={t("sites.from")} value={site} onChange={setSite} choices={choices(sites)} />}
      {!known && <ChoiceField label={t("sites.to")} value={other} onChange={setOther} choices={choices(others)} />}
      <LimitField help={t("limit.linkHelp")} value={limit} onChange={setLimit} />
    </Ask>
  );
}
