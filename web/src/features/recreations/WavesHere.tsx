// Waves as they run, beside the hosts that are in them.
import { Alert } from "@patternfly/react-core";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";
import { useRecreations } from "../../api/queries";
import { Bar } from "../../ui/Bar";
import { Said } from "../../ui/Said";
import { Decision } from "./Decision";

const RUNNING = ["Running", "Scheduled"];

export function WavesHere({ template }: { template?: string }) {
  const { t } = useTranslation();
  const all = useRecreations(template).data ?? [];
  return (
    <>
      {all.filter((it) => it.stage === "Awaiting decision").map((it) => <Decision key={it.id} recreation={it} />)}
      {all.filter((it) => RUNNING.includes(it.stage) && it.total > 0).map((it) => (
        <Alert
          key={it.id}
          isInline
          variant="info"
          title={<Link to={`/recreations/${it.id}`}>{t("recreations.here", { template: it.template, version: it.version, wave: it.wave, waves: it.waves })}</Link>}
        >
          <Bar label={t("recreations.passedOf", { passed: it.passed, total: it.total })} value={(100 * it.passed) / it.total} />
          <p>{t("recreations.counts", { passed: it.passed, total: it.total, running: it.running, waiting: it.waiting, failed: it.failed })}{it.note && <> · <Said text={it.note} /></>}</p>
        </Alert>
      ))}
    </>
  );
}
