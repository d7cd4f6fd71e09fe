// What would be done: the answer of a dry run.
import { Alert, Content, ContentVariants, Spinner } from "@patternfly/react-core";
import { useQuery } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { problemOf, type Schemas } from "../api/client";
import { bytes } from "./format";
import { Cause, ProblemNote } from "./ProblemNote";
import { Said } from "./Said";

type PlanView = Schemas["PlanView"];

/** Asks for a plan again whenever `key` is another one. */
export function usePlan(key: unknown[], ask: (() => Promise<unknown>) | undefined) {
  return useQuery({
    queryKey: ["plan", ...key],
    enabled: ask !== undefined,
    retry: false,
    staleTime: 0,
    gcTime: 0,
    queryFn: async () => (await ask?.()) as PlanView,
  });
}

export function Plan({ plan }: { plan: ReturnType<typeof usePlan> }) {
  const { t } = useTranslation();
  if (plan.error) return <ProblemNote problem={problemOf(plan.error)} />;
  if (!plan.data) return plan.isFetching ? <Spinner size="md" aria-label={t("common.loading")} /> : null;
  const { steps, obstacles, blockers = [], bytes_network: network, hosts = [], users = [] } = plan.data;
  const rest = obstacles.filter((it) => !blockers.some((blocker) => blocker.problem.cause === it.cause));
  return (
    <section className="dc-plan" aria-label={t("plan.title")}>
      <Content component={ContentVariants.h3}>{t("plan.title")}</Content>
      {steps.length > 0 ? (
        <Content component={ContentVariants.ol}>{steps.map((step, index) => <li key={index}><Said text={step} /></li>)}</Content>
      ) : (
        <p>{t("plan.nothing")}</p>
      )}
      {network === 0 && <p>{t("plan.networkNone")}</p>}
      {network !== undefined && network !== null && network > 0 && <p>{t("plan.network", { bytes: bytes(network) })}</p>}
      {hosts.length > 0 && <p className="dc-name">{t("plan.hosts", { count: hosts.length, names: shortened(hosts) })}</p>}
      {users.length > 0 && (
        <Alert isInline variant="warning" title={t("plan.users", { count: users.length })}>
          <p className="dc-name">{shortened(users)}</p>
        </Alert>
      )}
      {(rest.length > 0 || blockers.length > 0) && (
        <Alert isInline variant="warning" title={t("plan.obstacles")}>
          {blockers.map((it, index) => (
            <div key={`b${index}`}><strong className="dc-name">{it.provider}</strong>: <Cause problem={it.problem} /></div>
          ))}
          {rest.map((it, index) => <Cause key={index} problem={it} />)}
        </Alert>
      )}
    </section>
  );
}

const NAMES_SHOWN = 12;

export function shortened(names: string[], total = names.length): string {
  const shown = names.slice(0, NAMES_SHOWN).join(", ");
  return total > NAMES_SHOWN ? `${shown}, ... (${total})` : shown;
}
