// The line of versions, the oldest first: how much each is new, its tags.
import { Label } from "@patternfly/react-core";
import { useTranslation } from "react-i18next";
import type { Schemas } from "../../api/client";
import { bytes } from "../../ui/format";
import { Time } from "../../ui/Time";

const SHOWN_MAX = 12;

export function Line({ versions }: { versions: Schemas["VersionView"][] }) {
  const { t } = useTranslation();
  const sorted = [...versions].sort((one, other) => one.number - other.number).slice(-SHOWN_MAX);
  return (
    <ol className="dc-line" aria-label={t("versions.line")} tabIndex={0}>
      {sorted.map((it) => (
        <li key={it.number} className={it.current ? "dc-current" : undefined}>
          <div className="dc-row"><strong>v{it.number}</strong>{it.current && <Label isCompact color="green">{t("versions.current")}</Label>}</div>
          <div className="dc-small">{it.new_bytes !== undefined && it.new_bytes !== null ? t("versions.plus", { bytes: bytes(it.new_bytes) }) : bytes(it.size.data_bytes)}</div>
          {it.parent !== undefined && it.parent !== null && it.parent !== it.number - 1 && <div className="dc-small dc-quiet">{t("versions.from", { parent: it.parent })}</div>}
          <div className="dc-row">{it.tags.map((tag) => <Label key={tag} isCompact color="teal" variant="outline">{tag}</Label>)}</div>
          <div className="dc-small dc-quiet"><Time at={it.created_at} /></div>
        </li>
      ))}
    </ol>
  );
}
