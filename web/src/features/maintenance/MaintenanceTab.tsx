// The maintenance of a template: its working copy, the way in and the way out.
import { Button, Card, CardBody, CardTitle, Checkbox } from "@patternfly/react-core";
import { WrenchIcon } from "@patternfly/react-icons";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { Link, useNavigate } from "react-router";
import { useAct } from "../../api/act";
import { api, told, type Schemas } from "../../api/client";
import { useRecreations } from "../../api/queries";
import { ActButton } from "../../ui/ActButton";
import { Ask } from "../../ui/Ask";
import { Facts } from "../../ui/Facts";
import { Cause, ProblemNote } from "../../ui/ProblemNote";
import { Start } from "../../ui/Start";
import { Time } from "../../ui/Time";
import { PowerWord, Word } from "../../ui/Word";
import { Decision } from "../recreations/Decision";
import { EnterMaintenance } from "./EnterMaintenance";
import { LeaveMaintenance } from "./LeaveMaintenance";

type Template = Schemas["TemplateView"];

export function MaintenanceTab({ template }: { template: Template }) {
  const { t } = useTranslation();
  const [dialog, setDialog] = useState<"enter" | "leave" | "cancel">();
  const recreations = useRecreations(template.name);
  const close = () => setDialog(undefined);
  const stay = template.maintenance;
  const waiting = (recreations.data ?? []).filter((it) => it.stage === "Awaiting decision");
  return (
    <div className="dc-gap">
      {waiting.map((it) => <Decision key={it.id} recreation={it} />)}
      {stay ? (
        <Stay template={template} stay={stay} onLeave={() => setDialog("leave")} onCancel={() => setDialog("cancel")} />
      ) : (
        <Start
          icon={WrenchIcon}
          title={t("maintenance.none")}
          action={<Button onClick={() => setDialog("enter")} isDisabled={template.status !== "Ready"}>{t("maintenance.enter")}</Button>}
        >
          {template.status === "Ready" ? t("maintenance.noneBody") : t("templates.notReady")}
        </Start>
      )}
      {dialog === "enter" && <EnterMaintenance template={template.name} onClose={close} />}
      {dialog === "leave" && <LeaveMaintenance template={template} onClose={close} />}
      {dialog === "cancel" && <Cancel name={template.name} onClose={close} />}
    </div>
  );
}

interface StayProps {
  template: Template;
  stay: Schemas["MaintenanceView"];
  onLeave: () => void;
  onCancel: () => void;
}

function Stay({ template, stay, onLeave, onCancel }: StayProps) {
  const { t } = useTranslation();
  const navigate = useNavigate();
  const name = template.name;
  const start = useAct(() => told(api.POST("/api/v1/templates/{name}/maintenance/start", { params: { path: { name } } })), [["template", name]]);
  const open = stay.status === "Maintenance";
  const leaving = stay.status === "Leaving maintenance";
  return (
    <Card isCompact>
      <CardTitle component="h2">{t("maintenance.copy")}</CardTitle>
      <CardBody className="dc-gap">
        <Facts
          columns={3}
          facts={[
            [t("maintenance.status"), <Word key="w" word={stay.status} />],
            [t("maintenance.provider"), <Link key="p" to={`/providers/${encodeURIComponent(stay.provider)}`}>{stay.provider}</Link>],
            [t("maintenance.base"), `v${stay.base}`],
            [t("maintenance.author"), stay.author],
            [t("maintenance.since"), <Time key="s" at={stay.since} />],
            [t("maintenance.power"), stay.power ? <PowerWord key="o" power={stay.power} /> : t("common.unknown")],
            [t("maintenance.addresses"), stay.addresses.length > 0 ? stay.addresses.join(", ") : t("common.none")],
            [t("maintenance.guest"), stay.guest_agent ? t("common.yes") : t("common.no")],
            [t("maintenance.attempts"), stay.attempts],
          ]}
        />
        {stay.problem && <Cause problem={stay.problem} />}
        {stay.next_attempt_at && <p>{t("distribution.next")} <Time at={stay.next_attempt_at} /></p>}
        <ProblemNote problem={start.problem} onClose={start.clear} />
        <div className="dc-row">
          <Button onClick={() => void navigate("screen")} isDisabled={!stay.console}>{t("maintenance.screen")}</Button>
          {open && stay.power !== "Running" && <ActButton variant="secondary" act={start}>{t("maintenance.start")}</ActButton>}
          <Button variant="secondary" onClick={onLeave} isDisabled={!open && !leaving}>{t("maintenance.leave")}</Button>
          <Button variant="secondary" isDanger onClick={onCancel}>{t("maintenance.cancel")}</Button>
        </div>
      </CardBody>
    </Card>
  );
}

function Cancel({ name, onClose }: { name: string; onClose: () => void }) {
  const { t } = useTranslation();
  const [forget, setForget] = useState(false);
  const act = useAct(
    () => told(api.DELETE("/api/v1/templates/{name}/maintenance", { params: { path: { name }, query: { forget } } })),
    [["template", name], ["templates"]],
  );
  return (
    <Ask title={t("maintenance.cancelTitle", { template: name })} doing={t("maintenance.cancel")} act={act} onClose={onClose} danger>
      <p>{t("maintenance.cancelBody")}</p>
      <Checkbox id="forget" label={t("maintenance.forget")} description={t("maintenance.forgetHelp")} isChecked={forget} onChange={(_, on) => setForget(on)} />
    </Ask>
  );
}
