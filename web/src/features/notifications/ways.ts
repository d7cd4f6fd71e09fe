// The ways by which people are told, as a form has them, and what of it is sent. A secret that is left empty stays.
import type { Schemas } from "../../api/client";

export const WAYS = ["webhook", "email", "script"] as const;
export type Way = (typeof WAYS)[number];

/** What there is to be told of. */
export const KINDS = [
  "distribution-failed", "provider-lost", "replica-damaged", "last-copy-damaged", "storage-low", "recreation-stopped",
  "certificate-expiring", "agent-outdated", "notification-failed",
] as const;

/** A shorter key of signatures is refused. */
const SECRET_LENGTH_MIN = 16;

export interface Form {
  url: string;
  secret: string;
  to: string;
  from: string;
  smtp: string;
  tls: string;
  user: string;
  password: string;
  ca: string;
  script: string;
  kinds: string[];
  severity: string;
  group: number;
  quiet: number;
  enabled: boolean;
}

export const noForm: Form = {
  url: "https://", secret: "", to: "", from: "", smtp: "", tls: "starttls", user: "", password: "", ca: "", script: "",
  kinds: [], severity: "warning", group: 30, quiet: 900, enabled: true,
};

export function formOf(it: Schemas["NotificationView"]): Form {
  return {
    ...noForm,
    url: it.webhook?.url ?? noForm.url,
    to: it.email?.to.join(", ") ?? "",
    from: it.email?.from ?? "",
    smtp: it.email?.smtp ?? "",
    tls: it.email?.tls ?? noForm.tls,
    user: it.email?.user ?? "",
    script: it.script?.name ?? "",
    kinds: it.kinds, severity: it.severity, group: it.group_seconds, quiet: it.quiet_seconds, enabled: it.enabled,
  };
}

const addresses = (text: string) => text.split(/[,;\s]+/).filter(Boolean);
const isAddress = (text: string) => /^[^@\s]+@[^@\s]+$/.test(text);

/** The field that is not right yet, if one is not. */
export function wrongIn(way: Way, form: Form): keyof Form | undefined {
  switch (way) {
    case "webhook":
      if (form.secret !== "" && form.secret.length < SECRET_LENGTH_MIN) return "secret";
      return /^https?:\/\/[^\s/]+/.test(form.url) ? undefined : "url";
    case "script": return form.script === "" || /[/\s]/.test(form.script) ? "script" : undefined;
    case "email": {
      const to = addresses(form.to);
      if (to.length === 0 || !to.every(isAddress)) return "to";
      if (!isAddress(form.from)) return "from";
      return /^[^\s:]+(:\d+)?$|^\[[^\]]+\](:\d+)?$/.test(form.smtp) ? undefined : "smtp";
    }
  }
}

export function bodyOf(way: Way, form: Form) {
  const terms = { kinds: form.kinds, severity: form.severity, group_seconds: form.group, quiet_seconds: form.quiet, enabled: form.enabled };
  const ca = form.ca === "" ? {} : { ca: form.ca };
  switch (way) {
    case "webhook": return { webhook: { url: form.url, ...(form.secret && { secret: form.secret }), ...ca }, terms };
    case "script": return { script: { name: form.script }, terms };
    case "email": {
      const email = { to: addresses(form.to), from: form.from, smtp: form.smtp, tls: form.tls, user: form.user, ...(form.password && { password: form.password }), ...ca };
      return { email, terms };
    }
  }
}
