// Events: what happened, and who did it.
import { PageSection } from "@patternfly/react-core";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { Choice } from "../../ui/Choice";
import { Heading } from "../../ui/Heading";
import { EventList } from "./EventList";

const OBJECTS = ["template", "provider", "host", "pool", "recreation", "schedule", "alarm", "notification", "token", "administrator", "audit", "recovery", "server"];

export function EventsPage() {
  const { t } = useTranslation();
  const [object, setObject] = useState("");
  return (
    <>
      <Heading title={t("events.title")} />
      <PageSection isFilled>
        <EventList
          object={object || undefined}
          filters={<Choice label={t("events.filter")} all={t("events.every")} value={object} onChange={setObject} choices={OBJECTS} />}
        />
      </PageSection>
    </>
  );
}
