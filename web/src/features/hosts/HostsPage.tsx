// Hosts: all of them, or those of a template, a provider or a pool.
import { Button, Label, PageSection } from "@patternfly/react-core";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { useSearchParams } from "react-router";
import { Heading } from "../../ui/Heading";
import { WavesHere } from "../recreations/WavesHere";
import { CreateHosts } from "./CreateHosts";
import { HostList } from "./HostList";

export function HostsPage() {
  const { t } = useTranslation();
  const [asked, setAsked] = useSearchParams();
  const [creating, setCreating] = useState(false);
  const filter = {
    template: asked.get("template") ?? undefined,
    provider: asked.get("provider") ?? undefined,
    pool: asked.get("pool") ?? undefined,
  };
  const given = Object.entries(filter).filter(([, value]) => value !== undefined) as [string, string][];
  const drop = (key: string) => {
    const next = new URLSearchParams(asked);
    next.delete(key);
    setAsked(next);
  };
  return (
    <>
      <Heading title={t("hosts.title")} actions={<Button onClick={() => setCreating(true)}>{t("hosts.create")}</Button>}>
        <div className="dc-row">
          {given.map(([key, value]) => (
            <Label key={key} onClose={() => drop(key)} closeBtnAriaLabel={t("hosts.unfilter", { by: value })}>{t(`hosts.by.${key as "template" | "provider" | "pool"}`, { name: value })}</Label>
          ))}
        </div>
      </Heading>
      <PageSection isFilled className="dc-gap">
        <WavesHere template={filter.template} />
        <HostList filter={filter} filtered={given.length > 0} onCreate={() => setCreating(true)} />
      </PageSection>
      {creating && <CreateHosts template={filter.template} onClose={() => setCreating(false)} />}
    </>
  );
}
