// Which release an agent is of, and whether it lags behind the server.
import { useTranslation } from "react-i18next";
import type { Schemas } from "../../api/client";
import { Word } from "../../ui/Word";

export function AgentWord({ provider: it }: { provider: Schemas["ProviderView"] }) {
  const { t } = useTranslation();
  if (!it.agent_version) return <span className="dc-quiet">{t("common.none")}</span>;
  const age = it.agent_age === "older" || it.agent_age === "newer" ? it.agent_age : undefined;
  return (
    <div className="dc-stack">
      <span>{it.agent_version}</span>
      {age && <Word word={age} text={t(`providers.age.${age}`)} />}
    </div>
  );
}
