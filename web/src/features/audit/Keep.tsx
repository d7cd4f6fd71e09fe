// For how long the audit trail is kept.
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { useAct } from "../../api/act";
import { api, ifMatch, told, type Schemas, type Tagged } from "../../api/client";
import { useAuditSettings } from "../../api/queries";
import { Ask } from "../../ui/Ask";
import { NumberField } from "../../ui/Field";

export function Keep({ onClose }: { onClose: () => void }) {
  const settings = useAuditSettings();
  return settings.data ? <Form seen={settings.data} onClose={onClose} /> : null;
}

function Form({ seen, onClose }: { seen: Tagged<Schemas["AuditSettings"]>; onClose: () => void }) {
  const { t } = useTranslation();
  const [{ value, etag }] = useState(seen);
  const [days, setDays] = useState(value.days);
  const act = useAct(() => told(api.PATCH("/api/v1/audit/settings", { params: {}, headers: ifMatch(etag), body: { days } })), [["audit-settings"], ["audit"]]);
  return (
    <Ask title={t("audit.keepTitle")} doing={t("common.save")} act={act} onClose={onClose} disabled={days === value.days} variant="small">
      <NumberField label={t("audit.days")} help={t("audit.daysHelp")} value={days} onChange={setDays} min={1} />
    </Ask>
  );
}
