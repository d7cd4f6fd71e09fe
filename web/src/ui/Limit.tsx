// A limit of bandwidth: as a field, and as it is felt now.
import { useTranslation } from "react-i18next";
import type { Schemas } from "../api/client";
import { TextField } from "./Field";

const PART = /^(off|\d+(\.\d+)?\s*[kKMGT]?i?(bit|B)\/s)(\s+\d{1,2}:\d{2}\s*-\s*\d{1,2}:\d{2}(\s+[\w/+-]+)?)?$/;

/** Whether it looks like a limit; the server judges in any case. */
export const limitRight = (text: string) => text.trim() === "" || text.split(";").every((part) => PART.test(part.trim()));

/** What a change of it sends; an empty field takes the limit away. */
export function limitBody(before: string | null | undefined, after: string): { limit?: string } {
  const text = after.trim();
  return text === (before ?? "") ? {} : { limit: text === "" ? "off" : text };
}

export function LimitField({ help, value, onChange }: { help: string; value: string; onChange: (value: string) => void }) {
  const { t } = useTranslation();
  return <TextField label={t("limit.title")} help={help} value={value} onChange={onChange} placeholder="100Mbit/s" wrong={limitRight(value) ? undefined : t("limit.wrong")} />;
}

export function LimitWords({ limit, limited }: { limit?: string | null; limited?: Schemas["LimitedView"] | null }) {
  const { t } = useTranslation();
  if (!limit) return <>{t("limit.none")}</>;
  return <div className="dc-stack"><span className="dc-name">{limit}</span>{limited && <span className="dc-small dc-quiet">{t("limit.now", { text: limited.text })}</span>}</div>;
}
