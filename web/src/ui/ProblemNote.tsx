// A refusal or failure where it arose: what, why, one thing to do, and the page that says more.
import { Alert, AlertActionCloseButton, Button, List, ListItem } from "@patternfly/react-core";
import { useTranslation } from "react-i18next";
import type { Problem, Schemas } from "../api/client";
import { useExplain } from "./explain";
import { Said } from "./Said";

interface Props {
  problem: Problem | undefined;
  onClose?: () => void;
}

export function ProblemNote({ problem, onClose }: Props) {
  const { t } = useTranslation();
  if (!problem) return null;
  const close = onClose ? <AlertActionCloseButton onClose={onClose} aria-label={t("common.close")} /> : undefined;
  return (
    <Alert variant="danger" isInline title={problem.title} className="dc-problem" actionClose={close} aria-live="polite">
      <p><Said text={sentence(problem.detail)} /></p>
      {problem.blockers && problem.blockers.length > 0 && (
        <List>{problem.blockers.slice(0, 10).map((name) => <ListItem key={name}>{name}</ListItem>)}</List>
      )}
      {problem.hint && <p><Said text={t("problem.hint", { hint: problem.hint })} /></p>}
      <Explain code={problem.code} />
    </Alert>
  );
}

/** The same as part of a row: words, and where to read on. */
export function Cause({ problem }: { problem: Schemas["ProblemView"] }) {
  const { t } = useTranslation();
  return (
    <div className="dc-cause">
      <span><Said text={sentence(problem.cause)} /></span>{" "}
      <span className="dc-quiet"><Said text={t("problem.hint", { hint: problem.hint })} /></span>{" "}
      <Explain code={problem.code} />
    </div>
  );
}

export function Explain({ code }: { code: string }) {
  const { t } = useTranslation();
  const explain = useExplain();
  return (
    <Button variant="link" isInline onClick={() => explain(code)}>
      {t("problem.explain", { code })}
    </Button>
  );
}

/** Causes are written without a capital letter and without a full stop. */
export function sentence(words: string): string {
  const first = words.charAt(0);
  // A name keeps its spelling: in backticks, or with more than letters in it.
  const isWord = /^[a-z]+([\s,.;:]|$)/.test(words) && !/^[a-z]+:\/\//.test(words);
  return `${isWord ? first.toUpperCase() : first}${words.slice(1)}${/[.!?]$/.test(words) ? "" : "."}`;
}
