// A copy with wrong bytes: what is wrong where, since when, and which hosts stand on it.
import { Alert } from "@patternfly/react-core";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";
import type { Schemas } from "../api/client";
import { Cause } from "./ProblemNote";
import { Time } from "./Time";

/** Hosts that are named before the rest is counted. */
const HOSTS_SHOWN = 12;

export function Damage({ damage: it, of }: { damage: Schemas["DamageView"]; of: string }) {
  const { t } = useTranslation();
  const more = it.hosts.length - HOSTS_SHOWN;
  return (
    <Alert isInline variant={it.last_copy ? "danger" : "warning"} title={t(it.last_copy ? "damage.last" : "damage.title", { of, version: it.version })} className="dc-damage">
      <Cause problem={{ code: it.code, cause: it.cause, hint: it.hint }} />
      <p>{t("damage.found")} <Time at={it.found_at} />. {t("damage.places", { count: it.count })} <span className="dc-name">{it.places.join("; ")}{it.count > it.places.length ? "; ..." : ""}</span></p>
      {it.hosts.length > 0 && (
        <p className="dc-name">
          {t("damage.hosts", { count: it.hosts.length })}{" "}
          {it.hosts.slice(0, HOSTS_SHOWN).map((name, index) => <span key={name}>{index > 0 && ", "}<Link to={`/hosts/${encodeURIComponent(name)}`}>{name}</Link></span>)}
          {more > 0 && ` ${t("distribution.andMore", { count: more })}`}
        </p>
      )}
    </Alert>
  );
}
