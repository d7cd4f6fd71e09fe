// Templates: what an administrator looks at first.
import { Button, PageSection } from "@patternfly/react-core";
import { CubesIcon } from "@patternfly/react-icons";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { Link, useNavigate } from "react-router";
import type { Schemas } from "../../api/client";
import { useProviders, useTemplates } from "../../api/queries";
import { Choice } from "../../ui/Choice";
import { Grid, type Column } from "../../ui/Grid";
import { Heading } from "../../ui/Heading";
import { Loaded } from "../../ui/Loaded";
import { Start } from "../../ui/Start";
import { Time } from "../../ui/Time";
import { Word } from "../../ui/Word";
import { LiveBar, PublicationBar } from "../distribution/LiveBar";
import { templatePath, useTemplateTasks } from "./tasks";

type Template = Schemas["TemplateView"];

export function TemplatesPage() {
  const { t } = useTranslation();
  const templates = useTemplates();
  const navigate = useNavigate();
  const create = <Button onClick={() => void navigate("/create-template")}>{t("templates.create")}</Button>;
  return (
    <>
      <Heading title={t("templates.title")} actions={create} />
      <PageSection isFilled>
        <Loaded query={templates}>{(rows) => <Templates rows={rows} />}</Loaded>
      </PageSection>
    </>
  );
}

function Templates({ rows }: { rows: Template[] }) {
  const { t } = useTranslation();
  const { tasks, dialog } = useTemplateTasks();
  const [word, setWord] = useState("");
  const shown = word === "" ? rows : rows.filter((it) => it.distribution.word === word || it.status === word);
  const words = [...new Set(rows.flatMap((it) => [it.distribution.word, it.status]))].sort();
  const columns: Column<Template>[] = [
    {
      label: t("templates.name"), by: (it) => it.name, className: "dc-cell-name",
      cell: (it) => <Link to={templatePath(it.name)} className="dc-name">{it.name}</Link>,
    },
    { label: t("templates.status"), by: (it) => it.status, cell: (it) => <Word word={it.status} /> },
    {
      label: t("templates.version"), by: (it) => it.version ?? 0,
      cell: (it) => (it.version ? `v${it.version}` : <span className="dc-quiet">{t("common.none")}</span>),
    },
    {
      label: t("templates.distribution"), by: (it) => it.distribution.word, className: "dc-cell-wide",
      cell: (it) => (
        <div className="dc-stack">
          {it.version ? <Word word={it.distribution.word} text={it.distribution.text} /> : null}
          {it.publication && <PublicationBar publication={it.publication} />}
          <LiveBar template={it} />
        </div>
      ),
    },
    {
      label: t("templates.providers"), by: (it) => it.distribution.ready / Math.max(1, it.distribution.total),
      cell: (it) => (
        <div className="dc-stack dc-nowrap">
          <span>{t("templates.ready", { ready: it.distribution.ready, total: it.distribution.total })}</span>
          {it.distribution.not_available > 0 && (
            <span className="dc-quiet">{t("templates.notAvailable", { count: it.distribution.not_available })}</span>
          )}
        </div>
      ),
    },
    {
      label: t("templates.hosts"), by: (it) => it.hosts,
      cell: (it) => (
        <Link to={`/hosts?template=${encodeURIComponent(it.name)}`} className="dc-nowrap">
          {it.outdated > 0 ? t("templates.hostsOutdated", { hosts: it.hosts, outdated: it.outdated }) : it.hosts}
        </Link>
      ),
    },
    { label: t("templates.changed"), by: (it) => it.changed_at ?? it.created_at, cell: (it) => <Time at={it.changed_at ?? it.created_at} /> },
  ];
  return (
    <>
      <Grid
        label={t("templates.title")}
        rows={shown}
        filtered={word !== ""}
        name={(it) => it.name}
        text={(it) => [it.name, it.status, it.distribution.word].join(" ")}
        columns={columns}
        tasks={tasks}
        filters={<Choice label={t("templates.filter")} all={t("templates.every")} value={word} onChange={setWord} choices={words} />}
        start={<First />}
      />
      {dialog}
    </>
  );
}

/** Without a provider there is nothing to make a template from. */
function First() {
  const { t } = useTranslation();
  const navigate = useNavigate();
  const providers = useProviders();
  const none = providers.data?.length === 0;
  const to = none ? "/providers" : "/create-template";
  return (
    <Start
      icon={CubesIcon}
      title={t("templates.empty")}
      action={<Button onClick={() => void navigate(to)}>{none ? t("templates.firstProvider") : t("templates.create")}</Button>}
    >
      {none ? t("templates.emptyNoProvider") : t("templates.emptyBody")}
    </Start>
  );
}
