// What a provider holds, of every template.
import { useQueries } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";
import { api, told, type Schemas } from "../../api/client";
import { useTemplates } from "../../api/queries";
import { Facts } from "../../ui/Facts";
import { Grid, type Column } from "../../ui/Grid";
import { Cause } from "../../ui/ProblemNote";
import { Time } from "../../ui/Time";
import { Word } from "../../ui/Word";
import { templatePath } from "../templates/tasks";

interface Row {
  template: string;
  current: number | undefined;
  row: Schemas["DistributionRow"];
}

interface Props {
  provider: string;
  held: Schemas["HeldView"][];
  unassigned: string[];
}

export function Held({ provider, held, unassigned }: Props) {
  const { t } = useTranslation();
  const templates = useTemplates().data ?? [];
  const rows = useQueries({
    queries: templates.map(({ name }) => ({
      queryKey: ["distribution", name],
      queryFn: () => told(api.GET("/api/v1/templates/{name}/distribution", { params: { path: { name } } })),
    })),
    combine: (results) =>
      results.flatMap(({ data }): Row[] => {
        const row = data?.providers.find((it) => it.provider === provider);
        return data && row ? [{ template: data.template, current: data.version ?? undefined, row }] : [];
      }),
  });
  const columns: Column<Row>[] = [
    { label: t("templates.name"), by: (it) => it.template, className: "dc-cell-name", cell: (it) => <Link to={templatePath(it.template)}>{it.template}</Link> },
    { label: t("distribution.state"), by: (it) => it.row.state, cell: (it) => <Word word={it.row.state} /> },
    { label: t("distribution.version"), by: (it) => it.row.version ?? 0, cell: (it) => (it.row.version ? t("providers.versionOf", { version: it.row.version, current: it.current }) : t("common.none")) },
    { label: t("distribution.progress"), by: (it) => it.row.progress, cell: (it) => <Word word={it.row.progress} /> },
    { label: t("distribution.verified"), by: (it) => it.row.verified_at ?? "", cell: (it) => <Time at={it.row.verified_at} /> },
  ];
  return (
    <div className="dc-gap">
      <Grid label={t("providers.tabs.versions")} rows={rows} name={(it) => it.template} columns={columns} start={<p className="dc-quiet">{t("providers.holdsNothing")}</p>} />
      {held.length > 0 && <Copies held={held} />}
      {unassigned.length > 0 && <Facts columns={1} facts={[[t("providers.unassigned"), unassigned.join(", ")]]} />}
    </div>
  );
}

/** Every version on its disk, older ones too, and when each byte of it was last read and matched. */
function Copies({ held }: { held: Schemas["HeldView"][] }) {
  const { t } = useTranslation();
  const columns: Column<Schemas["HeldView"]>[] = [
    { label: t("templates.name"), by: (it) => it.template, className: "dc-cell-name", cell: (it) => <Link to={templatePath(it.template, "versions")}>{it.template}</Link> },
    { label: t("distribution.version"), by: (it) => it.version, cell: (it) => `v${it.version}` },
    { label: t("distribution.verified"), by: (it) => it.verified_at ?? "", cell: (it) => <Time at={it.verified_at} /> },
    { label: t("damage.column"), by: (it) => Number(Boolean(it.damage)), className: "dc-cell-wide", cell: (it) => (it.damage ? <div className="dc-stack"><Word word="damaged" /><Cause problem={{ code: it.damage.code, cause: it.damage.cause, hint: it.damage.hint }} /></div> : <span className="dc-quiet">{t("common.none")}</span>) },
  ];
  return <Grid label={t("providers.copies")} rows={held} name={(it) => `${it.template} v${it.version}`} text={(it) => it.template} columns={columns} start={null} />;
}
