// The wizard that makes a template: source, distribution and rules, what its hosts are like, review with the plan.
import { Checkbox, PageSection, Wizard, WizardStep } from "@patternfly/react-core";
import { useMemo, useState } from "react";
import { useTranslation } from "react-i18next";
import { useNavigate, useSearchParams } from "react-router";
import { useAct, useIdempotencyKey } from "../../api/act";
import { api, told, type Schemas } from "../../api/client";
import { useProviders, useTemplates, useVms } from "../../api/queries";
import { Facts } from "../../ui/Facts";
import { NumberField, TextField } from "../../ui/Field";
import { bytes, duration } from "../../ui/format";
import { Heading } from "../../ui/Heading";
import { Loaded } from "../../ui/Loaded";
import { Plan, shortened, usePlan } from "../../ui/Plan";
import { ProblemNote } from "../../ui/ProblemNote";
import { isLabel } from "../../ui/rules";
import { TwoLists } from "../distribution/TwoLists";
import { defaultsChange, defaultsOf, defaultsRight, HostDefaultsFacts, HostDefaultsFields } from "./HostDefaults";
import { SourceStep, type Source } from "./SourceStep";
import { templatePath } from "./tasks";

/** For the time a plan is expected to take: what one link of a gigabit carries. */
const BYTES_PER_SECOND = 110 * 1024 * 1024;

/** Versions that are kept of a new template, unless somebody says otherwise. */
const KEEP = 5;

const NO_DEFAULTS = defaultsOf(undefined);

export function CreateTemplate() {
  const { t } = useTranslation();
  const providers = useProviders();
  return (
    <>
      <Heading title={t("create.title")} above={{ to: "/templates", label: t("templates.title") }} />
      <PageSection isFilled hasBodyWrapper={false}>
        <Loaded query={providers}>{(all) => <Steps providers={all} />}</Loaded>
      </PageSection>
    </>
  );
}

function Steps({ providers }: { providers: Schemas["ProviderView"][] }) {
  const { t } = useTranslation();
  const navigate = useNavigate();
  const [asked] = useSearchParams();
  const templates = useTemplates();
  const key = useIdempotencyKey();
  const [source, setSource] = useState<Source>({ provider: asked.get("provider") ?? "", vm: asked.get("vm") ?? "", image: "", from: "vm" });
  const [name, setName] = useState("");
  const [note, setNote] = useState("");
  const [trim, setTrim] = useState(false);
  const [to, setTo] = useState<string[]>([]);
  const [concurrency, setConcurrency] = useState(4);
  const [keep, setKeep] = useState(KEEP);
  const [defaults, setDefaults] = useState(NO_DEFAULTS);
  const vms = useVms(source.provider || undefined);

  const body = useMemo(() => {
    const of = source.from === "vm" ? { vm: source.vm } : { image: source.image };
    const others = to.filter((it) => it !== source.provider);
    return { name, provider: source.provider, ...of, to: others, concurrency, ...(keep !== KEEP && { keep }), ...(note && { note }), ...(trim && { trim }), ...defaultsChange(NO_DEFAULTS, defaults) };
  }, [source, name, to, concurrency, keep, note, trim, defaults]);
  const taken = templates.data?.some((it) => it.name === name) ?? false;
  const wrongName = name === "" ? undefined : taken ? t("create.nameTaken") : isLabel(name) ? undefined : t("create.nameWrong");
  const hasSource = source.provider !== "" && (source.from === "vm" ? source.vm !== "" : source.image !== "");
  const first = hasSource && name !== "" && wrongName === undefined;
  const whole = first && defaultsRight(defaults);
  const post = (dry_run: boolean) =>
    told(api.POST("/api/v1/templates", { params: { query: { dry_run } }, headers: dry_run ? {} : key, body }));
  const plan = usePlan(["create-template", body], whole ? () => post(true) : undefined);
  const act = useAct(() => post(false), [["templates"]]);
  const network = plan.data?.bytes_network ?? undefined;
  const finish = async () => {
    if (await act.run()) void navigate(templatePath(name));
  };

  return (
    <Wizard height="auto" onClose={() => void navigate("/templates")} onSave={() => void finish()} className="dc-wizard">
      <WizardStep
        id="source" name={t("create.source")}
        footer={{ isNextDisabled: !first, nextButtonText: t("common.next"), backButtonText: t("common.back"), cancelButtonText: t("common.cancel") }}
      >
        <div className="dc-gap">
          <SourceStep providers={providers} source={source} onChange={setSource} vms={vms} />
          <div className="pf-v6-c-form">
            <TextField label={t("create.name")} value={name} onChange={setName} required help={t("create.nameHelp")} wrong={wrongName} />
            <TextField label={t("create.note")} value={note} onChange={setNote} help={t("create.noteHelp")} />
            <Checkbox id="trim" label={t("trimming.do")} description={t("trimming.doHelp")} isChecked={trim} onChange={(_, on) => setTrim(on)} />
          </div>
        </div>
      </WizardStep>
      <WizardStep
        id="distribution" name={t("create.distribution")} isDisabled={!first}
        footer={{ nextButtonText: t("common.next"), backButtonText: t("common.back"), cancelButtonText: t("common.cancel") }}
      >
        <div className="dc-gap">
          <TwoLists providers={providers} chosen={to} onChange={setTo} plan={plan} fixed={source.provider} />
          <div className="pf-v6-c-form">
            <NumberField label={t("properties.concurrency")} help={t("properties.concurrencyHelp")} value={concurrency} onChange={setConcurrency} min={1} />
            <NumberField label={t("properties.keep")} help={t("properties.keepHelp")} value={keep} onChange={setKeep} min={0} />
          </div>
        </div>
      </WizardStep>
      <WizardStep
        id="hosts" name={t("hostDefaults.title")} isDisabled={!first}
        footer={{ isNextDisabled: !whole, nextButtonText: t("common.next"), backButtonText: t("common.back"), cancelButtonText: t("common.cancel") }}
      >
        <div className="dc-gap">
          <p className="dc-quiet">{t("hostDefaults.body")}</p>
          <div className="pf-v6-c-form"><HostDefaultsFields defaults={defaults} onChange={setDefaults} /></div>
        </div>
      </WizardStep>
      <WizardStep
        id="review" name={t("create.review")} isDisabled={!whole}
        footer={{ nextButtonText: t("create.do"), backButtonText: t("common.back"), cancelButtonText: t("common.cancel"), isNextDisabled: act.busy || !whole, nextButtonProps: { isLoading: act.busy } }}
      >
        <div className="dc-gap">
          <Facts
            facts={[
              [t("create.name"), name],
              [t("create.source"), source.from === "vm" ? t("create.sourceVm", { vm: source.vm, provider: source.provider }) : t("create.sourceImage", { image: source.image, provider: source.provider })],
              [t("create.distribution"), t("create.providers", { count: body.to.length + 1, names: shortened([source.provider, ...body.to]) })],
              [t("properties.concurrency"), concurrency],
              [t("properties.keep"), keep === 0 ? t("properties.keepAll") : t("properties.keepSome", { count: keep })],
              [t("create.estimate"), network !== undefined ? t("create.estimated", { bytes: bytes(network), time: duration(minutes(network, body.to.length, concurrency)) }) : t("create.unknown")],
            ]}
          />
          <h2>{t("hostDefaults.title")}</h2>
          <HostDefaultsFacts defaults={defaults} />
          <Plan plan={plan} />
          <ProblemNote problem={act.problem} onClose={act.clear} />
        </div>
      </WizardStep>
    </Wizard>
  );
}

/** Several at a time share the first link, until each that has it gives it on. */
function minutes(network: number, count: number, concurrency: number): number {
  const rounds = Math.max(1, Math.ceil(Math.log2(1 + count / Math.max(1, concurrency))));
  return count === 0 ? 0 : (network / count / BYTES_PER_SECOND) * rounds * Math.min(count, concurrency);
}
