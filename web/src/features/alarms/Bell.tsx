// How many alarms there are, on every page.
import { NotificationBadge, NotificationBadgeVariant } from "@patternfly/react-core";
import { useTranslation } from "react-i18next";
import { useNavigate } from "react-router";
import { useAlarms } from "../../api/queries";

export function Bell() {
  const { t } = useTranslation();
  const navigate = useNavigate();
  const alarms = useAlarms().data ?? [];
  const critical = alarms.some((it) => it.severity === "critical");
  const variant = critical ? NotificationBadgeVariant.attention : alarms.length > 0 ? NotificationBadgeVariant.unread : NotificationBadgeVariant.read;
  return <NotificationBadge variant={variant} count={alarms.length} aria-label={t("alarms.count", { count: alarms.length })} onClick={() => void navigate("/alarms")} />;
}
