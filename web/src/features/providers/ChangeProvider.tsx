// Changing a provider's storage, networks, site, labels, limit and scrubs; refused if somebody else did meanwhile.
import { Button } from "@patternfly/react-core";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { useAct } from "../../api/act";
import { api, ifMatch, told, type Schemas, type Tagged } from "../../api/client";
import { useProvider } from "../../api/queries";
import { Ask } from "../../ui/Ask";
import { TextField } from "../../ui/Field";
import { limitBody, LimitField, limitRight } from "../../ui/Limit";
import { pairs, pairsChange, pairsRight, pairsText } from "./pairs";
import { scrubBody, ScrubFields, scrubOf, windowRight } from "./Scrub";

export function ChangeProvider({ name, onClose }: { name: string; onClose: () => void }) {
  const read = useProvider(name);
  const [round, setRound] = useState(0);
  if (!read.data) return null;
  const again = async () => {
    await read.refetch();
    setRound(round + 1);
  };
  return <Form key={round} seen={read.data} onClose={onClose} onAgain={() => void again()} />;
}

function Form({ seen, onClose, onAgain }: { seen: Tagged<Schemas["ProviderView"]>; onClose: () => void; onAgain: () => void }) {
  const { t } = useTranslation();
  // What was read when the form was opened: later reports do not move what is typed.
  const [{ value: before, etag }] = useState(seen);
  const [site, setSite] = useState(before.site ?? "");
  const [uri, setUri] = useState(before.uri);
  const [storage, setStorage] = useState(before.storage);
  const [networks, setNetworks] = useState(pairsText(before.networks));
  const [labels, setLabels] = useState(pairsText(before.labels));
  const [limit, setLimit] = useState(before.limit ?? "");
  const scrubbed = before.scrub ? scrubOf(before.scrub) : undefined;
  const [scrub, setScrub] = useState(scrubbed);
  const wrong = (text: string) => (pairsRight(text) ? undefined : t("providers.pairsWrong"));
  const valid = storage !== "" && uri !== "" && !wrong(networks) && !wrong(labels) && limitRight(limit) && windowRight(scrub?.window ?? "");
  const name = before.name;
  const act = useAct(() => {
    const body = {
      ...(site !== (before.site ?? "") && { site }),
      ...(uri !== before.uri && { uri }),
      ...(storage !== before.storage && { storage }),
      networks: pairsChange(before.networks, pairs(networks)),
      labels: pairsChange(before.labels, pairs(labels)),
      ...limitBody(before.limit, limit),
      ...(scrubbed && scrub && { scrub: scrubBody(scrubbed, scrub) }),
    };
    return told(api.PATCH("/api/v1/providers/{name}", { params: { path: { name } }, headers: ifMatch(etag), body }));
  }, [["provider", name], ["providers"]]);
  const stale = act.problem?.status === 412;
  return (
    <Ask
      title={t("providers.changeTitle", { name })}
      doing={t("common.save")}
      act={act}
      onClose={onClose}
      disabled={!valid || stale}
      extra={stale ? <Button variant="secondary" onClick={onAgain}>{t("common.readAgain")}</Button> : undefined}
    >
      <TextField label={t("providers.site")} help={t("providers.siteHelp")} value={site} onChange={setSite} />
      <TextField label={t("providers.uri")} help={t("providers.uriHelp")} value={uri} onChange={setUri} required wrong={uri === "" ? t("common.missing") : undefined} />
      <TextField label={t("providers.storage")} help={t("providers.storageHelp")} value={storage} onChange={setStorage} required wrong={storage === "" ? t("common.missing") : undefined} />
      <TextField label={t("providers.networks")} help={t("providers.networksHelp")} value={networks} onChange={setNetworks} wrong={wrong(networks)} />
      <TextField label={t("providers.labels")} help={t("providers.labelsHelp")} value={labels} onChange={setLabels} wrong={wrong(labels)} />
      <LimitField help={t("limit.providerHelp")} value={limit} onChange={setLimit} />
      {scrub && <ScrubFields scrub={scrub} onChange={setScrub} />}
    </Ask>
  );
}
