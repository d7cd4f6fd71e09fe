// After a restore: what differs between the backup and the providers, and what becomes of it.
import { Alert, Button, Checkbox, List, ListItem, PageSection, ToolbarItem } from "@patternfly/react-core";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { useAct } from "../../api/act";
import { api, told, type Schemas } from "../../api/client";
import { useRecovery } from "../../api/queries";
import { ActButton } from "../../ui/ActButton";
import { Ask } from "../../ui/Ask";
import { Facts } from "../../ui/Facts";
import { Grid, type Column } from "../../ui/Grid";
import { Heading } from "../../ui/Heading";
import { Loaded } from "../../ui/Loaded";
import { Cause, ProblemNote } from "../../ui/ProblemNote";
import { Said } from "../../ui/Said";
import { Start } from "../../ui/Start";
import { Time } from "../../ui/Time";
import { Word } from "../../ui/Word";

type Recovery = Schemas["RecoveryView"];
type Finding = Schemas["FindingView"];
type Provider = Schemas["RecoveryProviderView"];

export function RecoveryPage() {
  const { t } = useTranslation();
  const recovery = useRecovery();
  return <Loaded query={recovery}>{(it) => (it.restored_at ? <Restored it={it} /> : <><Heading title={t("recovery.title")} /><PageSection isFilled><Start title={t("recovery.never")}>{t("recovery.neverBody")}</Start></PageSection></>)}</Loaded>;
}

function Restored({ it }: { it: Recovery }) {
  const { t } = useTranslation();
  const [finishing, setFinishing] = useState(false);
  const [adopted, setAdopted] = useState<Schemas["AdoptedView"]>();
  const adopt = useAct(async (providers: string[]) => {
    setAdopted(await told(api.POST("/api/v1/recovery/adopt", { body: { providers, all: providers.length === 0 } })));
  }, [["recovery"], ["templates"], ["hosts"], ["providers"]]);
  const all = { ...adopt, run: () => adopt.run([]) };
  const adoptable = it.items.some((one) => one.adoptable) || it.providers.some((one) => !one.known);
  const actions = it.open && (
    <>
      <ActButton variant="secondary" act={all} isDisabled={!adoptable}>{t("recovery.adoptAll")}</ActButton>
      <Button onClick={() => setFinishing(true)}>{t("recovery.finish")}</Button>
    </>
  );
  return (
    <>
      <Heading title={t("recovery.title")} beside={<Word word={it.open ? "Recovering" : "Done"} text={it.open ? t("recovery.open") : t("recovery.over")} />} actions={actions}>
        {it.open && <p>{t("recovery.body")}</p>}
      </Heading>
      <PageSection isFilled className="dc-gap">
        <Facts columns={3} facts={[[t("recovery.backup"), <Time key="b" at={it.backup_made_at} />], [t("recovery.restored"), <Time key="r" at={it.restored_at} />], [t("recovery.finished"), <Time key="f" at={it.finished_at} />]]} />
        <ProblemNote problem={adopt.problem} onClose={adopt.clear} />
        {adopted && <Adopted adopted={adopted} />}
        <Findings rows={it.items} onAdopt={it.open ? (names) => void adopt.run(names) : undefined} />
        <Providers rows={it.providers} onAdopt={it.open ? (name) => void adopt.run([name]) : undefined} />
      </PageSection>
      {finishing && <Finish it={it} onClose={() => setFinishing(false)} />}
    </>
  );
}

function Adopted({ adopted: { adopted, waiting, refused } }: { adopted: Schemas["AdoptedView"] }) {
  const { t } = useTranslation();
  const lines = [...adopted, ...waiting];
  return (
    <Alert isInline variant={refused.length > 0 ? "warning" : "success"} title={t("recovery.adopted", { count: adopted.length })}>
      <List>
        {lines.map((line) => <ListItem key={line}><Said text={line} /></ListItem>)}
        {refused.map((one) => <ListItem key={`${one.kind} ${one.name}`}>{one.name}: {one.problem ? <Cause problem={one.problem} /> : <Said text={one.detail} />}</ListItem>)}
      </List>
    </Alert>
  );
}

function Findings({ rows, onAdopt }: { rows: Finding[]; onAdopt?: (providers: string[]) => void }) {
  const { t } = useTranslation();
  const columns: Column<Finding>[] = [
    { label: t("recovery.kind"), by: (it) => it.kind, cell: (it) => it.kind },
    { label: t("recovery.name"), by: (it) => it.name, className: "dc-cell-name", cell: (it) => <span className="dc-name">{it.name}</span> },
    { label: t("recovery.where"), by: (it) => it.providers.join(" "), className: "dc-cell-name", cell: (it) => it.providers.join(", ") },
    { label: t("recovery.detail"), className: "dc-cell-wide", cell: (it) => <div className="dc-stack"><span><Said text={it.detail} /></span>{it.problem && <Cause problem={it.problem} />}</div> },
    {
      label: t("recovery.adopt"), quiet: true,
      cell: (it) => it.adoptable && onAdopt && it.providers.length > 0 && <Button variant="secondary" size="sm" onClick={() => onAdopt(it.providers)} aria-label={t("recovery.adoptOf", { name: it.name })}>{t("recovery.adopt")}</Button>,
    },
  ];
  return <Grid label={t("recovery.items")} rows={rows} name={(it) => `${it.kind} ${it.name} ${it.providers.join(" ")}`} text={(it) => [it.kind, it.name, it.detail, ...it.providers].join(" ")} columns={columns} start={<p>{t("recovery.nothing")}</p>} />;
}

function Providers({ rows, onAdopt }: { rows: Provider[]; onAdopt?: (name: string) => void }) {
  const { t } = useTranslation();
  const columns: Column<Provider>[] = [
    { label: t("providers.name"), by: (it) => it.name, className: "dc-cell-name", cell: (it) => <span className="dc-name">{it.name}</span> },
    { label: t("recovery.known"), by: (it) => Number(it.known), cell: (it) => (it.known ? t("common.yes") : t("recovery.unknown")) },
    { label: t("recovery.answers"), by: (it) => Number(it.answers), cell: (it) => <Word word={it.answers ? "Available" : "Not available"} /> },
    { label: t("recovery.told"), by: (it) => Number(it.told), cell: (it) => (it.told ? t("common.yes") : t("common.no")) },
    { label: t("recovery.adopt"), quiet: true, cell: (it) => onAdopt && <ToolbarItem><Button variant="secondary" size="sm" isDisabled={!it.answers} onClick={() => onAdopt(it.name)} aria-label={t("recovery.adoptOf", { name: it.name })}>{t("recovery.adopt")}</Button></ToolbarItem> },
  ];
  return <Grid label={t("providers.title")} rows={rows} name={(it) => it.id} text={(it) => it.name} columns={columns} start={<p>{t("recovery.noProviders")}</p>} />;
}

function Finish({ it, onClose }: { it: Recovery; onClose: () => void }) {
  const { t } = useTranslation();
  const [force, setForce] = useState(false);
  const open = it.items.length > 0 || it.providers.some((one) => !one.answers || !one.told || !one.known);
  const act = useAct(() => told(api.POST("/api/v1/recovery/finish", { body: { force } })), [["recovery"]]);
  return (
    <Ask title={t("recovery.finishTitle")} doing={t("recovery.finish")} act={act} onClose={onClose} danger={open} disabled={open && !force}>
      <p>{t("recovery.finishBody")}</p>
      {open && <Checkbox id="finish-force" label={t("recovery.force")} description={t("recovery.forceHelp")} isChecked={force} onChange={(_, on) => setForce(on)} />}
    </Ask>
  );
}
