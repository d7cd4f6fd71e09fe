// What a notification is made of: the way, and of what one is told how often.
import { Checkbox, ExpandableSection, FormGroup, TextArea } from "@patternfly/react-core";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { ChoiceField, NumberField, TextField } from "../../ui/Field";
import { KINDS, wrongIn, type Form, type Way } from "./ways";

interface Props {
  way: Way;
  form: Form;
  onChange: (form: Form) => void;
  /** Its secrets are there already. */
  kept?: boolean;
  /** What is wrong is said once something was typed. */
  touched: boolean;
}

export function Fields({ way, form, onChange, kept, touched }: Props) {
  const { t } = useTranslation();
  const [more, setMore] = useState(false);
  const set = (part: Partial<Form>) => onChange({ ...form, ...part });
  const wrong = (field: keyof Form) => (touched && wrongIn(way, form) === field ? t(`notifications.wrong.${field as "url" | "secret" | "to" | "from" | "smtp" | "script"}`) : undefined);
  const secret = kept ? t("notifications.secretKept") : undefined;
  return (
    <>
      {way === "webhook" && (
        <>
          <TextField label={t("notifications.url")} help={t("notifications.urlHelp")} value={form.url} onChange={(url) => set({ url })} wrong={wrong("url")} required />
          <TextField label={t("notifications.secret")} help={secret ?? t("notifications.secretHelp")} type="password" autoComplete="new-password" value={form.secret} onChange={(secret) => set({ secret })} wrong={wrong("secret")} />
        </>
      )}
      {way === "email" && (
        <>
          <TextField label={t("notifications.to")} help={t("notifications.toHelp")} value={form.to} onChange={(to) => set({ to })} wrong={wrong("to")} required />
          <TextField label={t("notifications.from")} value={form.from} onChange={(from) => set({ from })} wrong={wrong("from")} required />
          <TextField label={t("notifications.smtp")} help={t("notifications.smtpHelp")} value={form.smtp} onChange={(smtp) => set({ smtp })} wrong={wrong("smtp")} required />
          <ChoiceField label={t("notifications.tls")} help={form.tls === "none" ? t("notifications.tlsNone") : undefined} value={form.tls} onChange={(tls) => set({ tls })} choices={(["starttls", "tls", "none"] as const).map((value) => ({ value, label: t(`notifications.tlsWays.${value}`) }))} />
          <TextField label={t("notifications.user")} help={t("notifications.userHelp")} value={form.user} onChange={(user) => set({ user })} />
          {form.user !== "" && <TextField label={t("notifications.password")} help={secret} type="password" autoComplete="new-password" value={form.password} onChange={(password) => set({ password })} />}
        </>
      )}
      {way === "script" && <TextField label={t("notifications.script")} help={t("notifications.scriptHelp")} value={form.script} onChange={(script) => set({ script })} wrong={wrong("script")} required />}
      <ChoiceField label={t("notifications.severity")} value={form.severity} onChange={(severity) => set({ severity })} choices={(["warning", "critical"] as const).map((value) => ({ value, label: t(`notifications.severities.${value}`) }))} />
      <ExpandableSection toggleText={t("notifications.more")} isExpanded={more} onToggle={(_, open) => setMore(open)}>
        <div className="pf-v6-c-form">
          <FormGroup role="group" label={t("notifications.kinds")} fieldId="kinds">
            <p className="dc-quiet dc-small">{t("notifications.kindsHelp")}</p>
            <div className="dc-columns">
              {KINDS.map((kind) => (
                <Checkbox key={kind} id={`kind-${kind}`} label={t(`notifications.kind.${kind}`)} isChecked={form.kinds.includes(kind)} onChange={(_, on) => set({ kinds: KINDS.filter((it) => (it === kind ? on : form.kinds.includes(it))) })} />
              ))}
            </div>
          </FormGroup>
          <NumberField label={t("notifications.group")} help={t("notifications.groupHelp")} value={form.group} onChange={(group) => set({ group })} min={0} />
          <NumberField label={t("notifications.quiet")} help={t("notifications.quietHelp")} value={form.quiet} onChange={(quiet) => set({ quiet })} min={0} />
          {way !== "script" && (
            <FormGroup label={t("notifications.ca")} fieldId="own-ca">
              <TextArea id="own-ca" value={form.ca} onChange={(_, ca) => set({ ca })} rows={3} resizeOrientation="vertical" placeholder="-----BEGIN CERTIFICATE-----" />
            </FormGroup>
          )}
        </div>
      </ExpandableSection>
      <Checkbox id="enabled" label={t("notifications.enabled")} isChecked={form.enabled} onChange={(_, enabled) => set({ enabled })} />
    </>
  );
}
