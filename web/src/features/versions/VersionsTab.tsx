// Versions of a template: a line of them, where each is held, and what can be done with one.
import { Label, LabelGroup, ToggleGroup, ToggleGroupItem, ToolbarItem } from "@patternfly/react-core";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { useAct } from "../../api/act";
import { api, told, type Schemas } from "../../api/client";
import { useVersions } from "../../api/queries";
import { Damage } from "../../ui/Damage";
import { bytes } from "../../ui/format";
import { Grid, type Column } from "../../ui/Grid";
import { Loaded } from "../../ui/Loaded";
import { ProblemNote } from "../../ui/ProblemNote";
import { Start } from "../../ui/Start";
import type { Task } from "../../ui/tasks";
import { Time } from "../../ui/Time";
import { Word } from "../../ui/Word";
import { Activate, DeleteVersion, TagVersion } from "./dialogs";
import { Line } from "./Line";
import { Matrix } from "./Matrix";

type Version = Schemas["VersionView"];

export function VersionsTab({ name }: { name: string }) {
  const query = useVersions(name);
  return <Loaded query={query}>{(rows) => <Versions name={name} rows={rows} />}</Loaded>;
}

function Versions({ name, rows }: { name: string; rows: Version[] }) {
  const { t } = useTranslation();
  const [shape, setShape] = useState<"list" | "matrix">("list");
  const [doing, setDoing] = useState<{ what: "activate" | "delete" | "tag"; version: Version }>();
  const untag = useAct(
    (version: string, tag: string) => told(api.DELETE("/api/v1/templates/{name}/versions/{version}/tags/{tag}", { params: { path: { name, version, tag } } })),
    [["versions", name]],
  );
  if (rows.length === 0) return <Start title={t("versions.empty")}>{t("versions.emptyBody")}</Start>;
  const close = () => setDoing(undefined);
  const tasks = (version: Version): Task[] => [
    { label: t("versions.activate"), act: () => setDoing({ what: "activate", version }), not: version.current ? t("versions.isCurrent") : undefined },
    { label: t("versions.tag"), act: () => setDoing({ what: "tag", version }) },
    { label: t("versions.delete"), act: () => setDoing({ what: "delete", version }), danger: true, not: version.current ? t("versions.isCurrent") : undefined },
  ];
  const columns: Column<Version>[] = [
    { label: t("versions.number"), by: (it) => it.number, cell: (it) => <strong>v{it.number}</strong> },
    { label: t("versions.status"), by: (it) => it.status, cell: (it) => <Word word={it.status} /> },
    {
      label: t("versions.tags"), by: (it) => it.tags.join(),
      cell: (it) => (
        <LabelGroup aria-label={t("versions.tagsOf", { version: it.number })}>
          {it.tags.map((tag) => <Label key={tag} color="teal" variant="outline" onClose={() => void untag.run(String(it.number), tag)} closeBtnAriaLabel={t("versions.untag", { tag })}>{tag}</Label>)}
        </LabelGroup>
      ),
    },
    {
      label: t("versions.new"), by: (it) => it.new_bytes ?? it.size.data_bytes,
      cell: (it) => <span className="dc-nowrap">{it.new_bytes !== undefined && it.new_bytes !== null ? t("versions.newOf", { bytes: bytes(it.new_bytes), percent: (it.new_percent ?? 0).toFixed(1) }) : t("versions.whole", { bytes: bytes(it.size.data_bytes) })}</span>,
    },
    { label: t("versions.held"), by: (it) => it.held_by.length, cell: (it) => t("versions.heldBy", { count: it.held_by.length }) },
    {
      label: t("distribution.verified"), by: (it) => it.verified_at ?? "",
      cell: (it) => <div className="dc-stack"><Time at={it.verified_at} />{it.held?.some((held) => held.damage) && <Word word="damaged" />}</div>,
    },
    { label: t("versions.hosts"), by: (it) => it.hosts, cell: (it) => it.hosts },
    { label: t("versions.note"), className: "dc-cell-name", cell: (it) => <span className="dc-name">{it.note ?? ""}</span> },
    { label: t("versions.author"), by: (it) => it.author, className: "dc-cell-name", cell: (it) => it.author },
    { label: t("versions.created"), by: (it) => it.created_at, cell: (it) => <Time at={it.created_at} /> },
    { label: t("versions.kept"), className: "dc-cell-wide", cell: (it) => <span className="dc-small dc-quiet">{it.kept_because.join(", ")}</span> },
  ];
  const shapes = (
    <ToolbarItem>
      <ToggleGroup aria-label={t("versions.shape")}>
        <ToggleGroupItem text={t("versions.list")} isSelected={shape === "list"} onChange={() => setShape("list")} />
        <ToggleGroupItem text={t("versions.matrix")} isSelected={shape === "matrix"} onChange={() => setShape("matrix")} />
      </ToggleGroup>
    </ToolbarItem>
  );
  return (
    <div className="dc-gap">
      <Line versions={rows} />
      {rows.flatMap((it) => it.held ?? []).map((held) => held.damage && <Damage key={`${held.provider} ${held.version}`} damage={held.damage} of={t("damage.on", { template: name, provider: held.provider })} />)}
      <ProblemNote problem={untag.problem} onClose={untag.clear} />
      {shape === "list" ? (
        <Grid label={t("versions.title")} rows={rows} name={(it) => `v${it.number}`} columns={columns} tasks={tasks} descending filters={shapes} start={null} />
      ) : (
        <>
          <div>{shapes}</div>
          <Matrix template={name} versions={rows} />
        </>
      )}
      {doing?.what === "activate" && <Activate name={name} version={doing.version} onClose={close} />}
      {doing?.what === "delete" && <DeleteVersion name={name} version={doing.version} onClose={close} />}
      {doing?.what === "tag" && <TagVersion name={name} version={doing.version} onClose={close} />}
    </div>
  );
}
