// The lists *Available* and *Target* of providers, with Add, Add all, Remove, Remove all; beside each target,
// what was found out about it.
import { Button, Checkbox, SearchInput, Spinner } from "@patternfly/react-core";
import { CheckCircleIcon, ExclamationTriangleIcon } from "@patternfly/react-icons";
import { useState, type ReactNode } from "react";
import { useTranslation } from "react-i18next";
import type { Schemas } from "../../api/client";
import { bytes, natural } from "../../ui/format";
import type { usePlan } from "../../ui/Plan";
import { Explain, sentence } from "../../ui/ProblemNote";

type Provider = Schemas["ProviderView"];

interface Props {
  providers: Provider[];
  chosen: string[];
  onChange: (chosen: string[]) => void;
  /** What stands in the way of it, and what is to be written to each. */
  plan: Pick<ReturnType<typeof usePlan>, "data" | "isFetching" | "isError">;
  /** On the list in any case. */
  fixed?: string;
}

export function TwoLists({ providers, chosen, onChange, plan, fixed }: Props) {
  const { t } = useTranslation();
  const blockers = new Map((plan.data?.blockers ?? []).map((it) => [it.provider, it.problem]));
  const known: Known = plan.isFetching ? "checking" : plan.data && !plan.isError ? "known" : "unknown";
  const [marked, setMarked] = useState<Set<string>>(new Set());
  const [search, setSearch] = useState("");
  const targets = new Set(chosen);
  const sorted = [...providers].sort((one, other) => natural(one.name, other.name));
  const wanted = (it: Provider) => [it.name, it.site, ...Object.values(it.labels)].join(" ").toLowerCase().includes(search.toLowerCase());
  const available = sorted.filter((it) => !targets.has(it.name) && it.name !== fixed);
  const target = sorted.filter((it) => targets.has(it.name) || it.name === fixed);
  const found = available.filter(wanted);
  const move = (names: string[], into: boolean) => {
    const next = new Set(chosen);
    for (const name of names) if (into) next.add(name); else next.delete(name);
    onChange([...next].sort(natural));
    setMarked(new Set());
  };
  const of = (list: Provider[]) => list.filter((it) => marked.has(it.name) && it.name !== fixed).map((it) => it.name);
  const mark = (name: string, on: boolean) => {
    const next = new Set(marked);
    if (on) next.add(name); else next.delete(name);
    setMarked(next);
  };
  const line = (it: Provider, extra: ReactNode) => (
    <li key={it.name} onDoubleClick={() => it.name !== fixed && move([it.name], !targets.has(it.name))}>
      <Checkbox
        id={`choose-${it.name}`}
        label={<span className="dc-name">{it.name}</span>}
        isChecked={marked.has(it.name) && it.name !== fixed}
        isDisabled={it.name === fixed}
        onChange={(_, on) => mark(it.name, on)}
        description={<span className="dc-small">{extra}</span>}
      />
    </li>
  );
  return (
    <div className="dc-dual">
      <div>
        <strong>{t("lists.available", { count: available.length })}</strong>
        <SearchInput value={search} onChange={(_, value) => setSearch(value)} onClear={() => setSearch("")} aria-label={t("lists.search")} placeholder={t("grid.search")} />
        <ul className="dc-dual-list" aria-label={t("lists.availableList")}>
          {found.map((it) => line(it, <Facts provider={it} />))}
        </ul>
      </div>
      <div className="dc-dual-buttons">
        <Button variant="secondary" isDisabled={of(available).length === 0} onClick={() => move(of(available), true)}>{t("lists.add")}</Button>
        <Button variant="secondary" isDisabled={found.length === 0} onClick={() => move(found.map((it) => it.name), true)}>{t("lists.addAll")}</Button>
        <Button variant="secondary" isDisabled={of(target).length === 0} onClick={() => move(of(target), false)}>{t("lists.remove")}</Button>
        <Button variant="secondary" isDisabled={chosen.length === 0} onClick={() => move(chosen, false)}>{t("lists.removeAll")}</Button>
      </div>
      <div>
        <strong>{t("lists.target", { count: target.length })}</strong>
        <p className="dc-quiet dc-small">{t("lists.targetHelp")}</p>
        <ul className="dc-dual-list" aria-label={t("lists.targetList")}>
          {target.map((it) => line(it, <Preflight provider={it} problem={blockers.get(it.name)} source={it.name === fixed} known={known} need={plan.data?.bytes_each ?? undefined} />))}
        </ul>
      </div>
    </div>
  );
}

export function storageOf(provider: Provider) {
  return provider.facts?.storages.find((it) => it.name === provider.storage);
}

function Facts({ provider }: { provider: Provider }) {
  const { t } = useTranslation();
  const storage = storageOf(provider);
  const words = [provider.state, provider.site, storage && t("lists.free", { free: bytes(storage.free_bytes) })];
  return <>{words.filter(Boolean).join(" · ")}</>;
}

/** How far what was asked about the targets is answered. */
type Known = "checking" | "known" | "unknown";

interface PreflightProps {
  provider: Provider;
  problem?: Schemas["ProblemView"];
  source: boolean;
  known: Known;
  need?: number;
}

function Preflight({ provider, problem, source, known, need }: PreflightProps) {
  const { t } = useTranslation();
  const storage = storageOf(provider);
  if (problem) {
    return <><ExclamationTriangleIcon color="var(--pf-t--global--icon--color--status--warning--default)" /> {sentence(problem.cause)} {sentence(problem.hint)} <Explain code={problem.code} /></>;
  }
  if (provider.state !== "Available") {
    return <><ExclamationTriangleIcon color="var(--pf-t--global--icon--color--status--warning--default)" /> {t("lists.follows", { state: provider.state })}</>;
  }
  if (known === "checking") return <><Spinner size="sm" aria-hidden /> {t("lists.checking")}</>;
  if (known === "unknown") return <>{source ? t("lists.source") : t("lists.unknown")}</>;
  const after = storage && need !== undefined ? storage.free_bytes - need : undefined;
  return (
    <>
      <CheckCircleIcon color="var(--pf-t--global--icon--color--status--success--default)" />{" "}
      {source ? t("lists.source") : t("lists.well")}
      {after !== undefined ? ` · ${t("lists.after", { free: bytes(Math.max(0, after)) })}` : storage ? ` · ${t("lists.free", { free: bytes(storage.free_bytes) })}` : ""}
    </>
  );
}
