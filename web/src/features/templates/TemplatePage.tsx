// One template: its distribution first, then versions, maintenance, hosts, properties, events.
import { PageSection } from "@patternfly/react-core";
import { useTranslation } from "react-i18next";
import { useNavigate, useParams } from "react-router";
import type { Tagged, Schemas } from "../../api/client";
import { useTemplate } from "../../api/queries";
import { Heading } from "../../ui/Heading";
import { Loaded } from "../../ui/Loaded";
import { Parts } from "../../ui/Parts";
import { Cause } from "../../ui/ProblemNote";
import { Tasks } from "../../ui/tasks";
import { Word } from "../../ui/Word";
import { DistributionTable } from "../distribution/DistributionTable";
import { LiveBar, PublicationBar } from "../distribution/LiveBar";
import { EventList } from "../events/EventList";
import { WavesHere } from "../recreations/WavesHere";
import { HostList } from "../hosts/HostList";
import { MaintenanceTab } from "../maintenance/MaintenanceTab";
import { VersionsTab } from "../versions/VersionsTab";
import { Properties } from "./Properties";
import { templatePath, useTemplateTasks } from "./tasks";

const TABS = ["distribution", "versions", "maintenance", "hosts", "properties", "events"] as const;
type TabName = (typeof TABS)[number];

export function TemplatePage() {
  const { name = "", tab } = useParams();
  const template = useTemplate(name);
  const { t } = useTranslation();
  if (!template.data) {
    return (
      <>
        <Heading title={name} above={{ to: "/templates", label: t("templates.title") }} />
        <PageSection><Loaded query={template}>{() => null}</Loaded></PageSection>
      </>
    );
  }
  const open = TABS.find((it) => it === tab) ?? "distribution";
  return <Shown template={template.data} tab={open} />;
}

function Shown({ template: { value: template, etag }, tab }: { template: Tagged<Schemas["TemplateView"]>; tab: TabName }) {
  const { t } = useTranslation();
  const navigate = useNavigate();
  const { tasks, dialog } = useTemplateTasks();
  const name = template.name;
  const publication = template.publication;
  return (
    <>
      <Heading
        title={name}
        above={{ to: "/templates", label: t("templates.title") }}
        beside={
          <>
            <Word word={template.status} />
            {template.version ? <Word word={template.distribution.word} text={template.distribution.text} /> : null}
          </>
        }
        actions={<Tasks of={name} tasks={tasks(template).slice(1)} />}
      >
        <LiveBar template={template} />
        {publication && <PublicationBar publication={publication} />}
        {publication?.code && publication.cause && (
          <Cause problem={{ code: publication.code, cause: publication.cause, hint: publication.hint ?? "" }} />
        )}
      </Heading>
      <PageSection isFilled className="dc-tabs">
        <Parts label={t("templates.parts")} names={TABS} word={(it) => t(`templates.tabs.${it}`)} open={tab} onOpen={(it) => void navigate(templatePath(name, it))}>
          {tab === "distribution" && <DistributionTable name={name} />}
          {tab === "versions" && <VersionsTab name={name} />}
          {tab === "maintenance" && <MaintenanceTab template={template} />}
          {tab === "hosts" && <div className="dc-gap"><WavesHere template={name} /><HostList filter={{ template: name }} /></div>}
          {tab === "properties" && <Properties template={template} etag={etag} />}
          {tab === "events" && <EventList object="template" name={name} />}
        </Parts>
      </PageSection>
      {dialog}
    </>
  );
}
