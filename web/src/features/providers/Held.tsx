// What a provider holds, of every template.
import { useQueries } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";
import { api, told, type Schemas } from "../../api/client";
import { useTemplates } from "../../api/queries";
import { Facts } from "../../ui/Facts";
import { Grid, type Column } from "../../ui/Grid";
import { Time } from "../../ui/Time";
import { Word } from "../../ui/Word";
import { templatePath } from "../templates/tasks";

interface Row {
  template: string;
  current: number | undefined;
  row: Schemas["DistributionRow"];
}

export function Held({ provider, unassigned }: { provider: string; unassigned: string[] }) {
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
      {unassigned.length > 0 && <Facts columns={1} facts={[[t("providers.unassigned"), unassigned.join(", ")]]} />}
    </div>
  );
}
