// Providers with hosts of a template that do not respond: check again, go on without them, or later.
import { Alert, Button, FormGroup, List, ListItem, Radio, Spinner } from "@patternfly/react-core";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { useHostsOf, useProviders } from "../../api/queries";
import { time } from "../../ui/format";
import { Cause } from "../../ui/ProblemNote";
import { Time } from "../../ui/Time";
import { Word } from "../../ui/Word";

interface Props {
  template: string;
  choice: string;
  onChoice: (choice: string) => void;
}

/** What asking again said: of so many that did not respond so many do. */
export interface Checked {
  at: string;
  answering: number;
  of: number;
}

export function Silent({ template, choice, onChoice }: Props) {
  const { t } = useTranslation();
  const providers = useProviders();
  const away = (providers.data ?? []).filter((it) => it.state !== "Available");
  const hosts = useHostsOf(away.map((it) => ({ template, provider: it.name })));
  const counts = new Map(away.map((it, index) => [it.name, hosts[index]?.total ?? 0]));
  const silent = away.filter((it) => counts.get(it.name));
  const [checked, setChecked] = useState<Checked>();
  const again = async () => {
    const names = new Set(silent.map((it) => it.name));
    const { data = [] } = await providers.refetch();
    const answering = data.filter((it) => names.has(it.name) && it.state === "Available").length;
    setChecked({ at: time(new Date().toISOString()), answering, of: names.size });
  };
  const ways = ["ask", "proceed", "later"] as const;
  return (
    <>
      {silent.length > 0 && (
        <Alert isInline variant="warning" title={t("silent.title", { count: silent.length })}>
          <List isPlain>
            {silent.map((it) => (
              <ListItem key={it.name}>
                <div className="dc-row"><strong className="dc-name">{it.name}</strong> <Word word={it.state} /> <Time at={it.since} /> {t("silent.hosts", { count: counts.get(it.name) ?? 0 })}</div>
                {it.problem && <Cause problem={it.problem} />}
              </ListItem>
            ))}
          </List>
          <Button variant="secondary" size="sm" onClick={() => void again()} isDisabled={providers.isFetching}>
            {providers.isFetching && <Spinner size="sm" aria-hidden />} {t("silent.again")}
          </Button>
        </Alert>
      )}
      {checked && <p role="status">{t("silent.checked", { ...checked })}</p>}
      <FormGroup role="radiogroup" label={t("silent.question")} fieldId="silent">
        {ways.map((value) => (
          <Radio key={value} id={`silent-${value}`} name="silent" label={t(`silent.${value}`)} description={t(`silent.${value}Help`)} isChecked={choice === value} onChange={() => onChoice(value)} />
        ))}
      </FormGroup>
    </>
  );
}
