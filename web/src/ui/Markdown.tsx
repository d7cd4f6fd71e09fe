// The little Markdown of the error pages, made into elements: never into HTML, so nothing in it can run.
import { Content, ContentVariants } from "@patternfly/react-core";
import { Fragment, type ReactNode } from "react";

type Block =
  | { kind: "heading"; level: number; text: string }
  | { kind: "paragraph"; text: string }
  | { kind: "code"; text: string }
  | { kind: "list"; ordered: boolean; items: Block[][] };

/** What to do when a link is followed; nothing for one that leads nowhere from here. */
type OnLink = (target: string) => (() => void) | undefined;

export function Markdown({ text, onLink }: { text: string; onLink: OnLink }) {
  return <>{blocks(text.split("\n")).map((block, index) => show(block, index, onLink))}</>;
}

function blocks(lines: string[]): Block[] {
  const found: Block[] = [];
  let at = 0;
  while (at < lines.length) {
    const line = lines[at] ?? "";
    const heading = /^(#+)\s+(.*)$/.exec(line);
    const item = /^(\s*)([-*]|\d+\.)\s+/.exec(line);
    if (line.trim() === "") at += 1;
    else if (line.trimStart().startsWith("```")) {
      const end = lines.findIndex((other, index) => index > at && other.trimStart().startsWith("```"));
      const until = end < 0 ? lines.length : end;
      const indent = line.length - line.trimStart().length;
      found.push({ kind: "code", text: lines.slice(at + 1, until).map((it) => it.slice(indent)).join("\n") });
      at = until + 1;
    } else if (heading) {
      found.push({ kind: "heading", level: heading[1]?.length ?? 1, text: heading[2] ?? "" });
      at += 1;
    } else if (item) {
      const list = takeList(lines, at);
      found.push(list.block);
      at = list.next;
    } else {
      const begin = at;
      while (at < lines.length && (lines[at] ?? "").trim() !== "" && !/^(#|```|\s*([-*]|\d+\.)\s)/.test(lines[at] ?? "")) at += 1;
      if (at === begin) at += 1;
      found.push({ kind: "paragraph", text: lines.slice(begin, at).join(" ") });
    }
  }
  return found;
}

function takeList(lines: string[], begin: number): { block: Block; next: number } {
  const marker = /^([-*]|\d+\.)\s+/;
  const items: Block[][] = [];
  let own: string[] = [];
  let at = begin;
  for (; at < lines.length; at += 1) {
    const line = (lines[at] ?? "").trimEnd();
    const match = marker.exec(line.trimStart() === line ? line : "");
    const follows = lines.slice(at + 1).find((other) => other.trim() !== "");
    if (match) {
      if (own.length > 0) items.push(blocks(own));
      own = [line.slice(match[0].length)];
    } else if (line === "" && (follows === undefined || !(/^\s+/.test(follows) || marker.test(follows)))) break;
    else own.push(line.replace(/^\s{1,3}/, ""));
  }
  if (own.length > 0) items.push(blocks(own));
  return { block: { kind: "list", ordered: /^\d/.test(lines[begin] ?? ""), items }, next: at };
}

function show(block: Block, key: number, onLink: OnLink): ReactNode {
  switch (block.kind) {
    case "heading": {
      const as = block.level <= 1 ? ContentVariants.h2 : ContentVariants.h3;
      return <Content component={as} key={key}>{inline(block.text, onLink)}</Content>;
    }
    case "paragraph":
      return <Content component={ContentVariants.p} key={key}>{inline(block.text, onLink)}</Content>;
    case "code":
      return <pre className="dc-code" key={key} tabIndex={0}><code>{block.text}</code></pre>;
    case "list":
      return (
        <Content component={block.ordered ? ContentVariants.ol : ContentVariants.ul} key={key}>
          {block.items.map((item, index) => (
            <li key={index}>{item.map((inner, nth) => (inner.kind === "paragraph" && nth === 0
              ? <Fragment key={nth}>{inline(inner.text, onLink)}</Fragment> : show(inner, nth, onLink)))}</li>
          ))}
        </Content>
      );
  }
}

const INLINE = /(`[^`]+`|\*\*[^*]+\*\*|\*[^*]+\*|\[[^\]]+\]\([^)]+\))/;

function inline(text: string, onLink: OnLink): ReactNode[] {
  return text.split(INLINE).map((part, index) => {
    const link = /^\[([^\]]+)\]\(([^)]+)\)$/.exec(part);
    if (link) {
      const [, words = "", target = ""] = link;
      const act = onLink(target);
      if (act) return <button type="button" className="dc-link" key={index} onClick={act}>{words}</button>;
      // It is told where it lies: beside the other pages of the documentation.
      return <Fragment key={index}>{words} (<code>{target.replace(/^(\.\.\/)+/, "docs/")}</code>)</Fragment>;
    }
    if (part.startsWith("`") && part.length > 2) return <code key={index}>{part.slice(1, -1)}</code>;
    if (part.startsWith("**") && part.length > 4) return <strong key={index}>{part.slice(2, -2)}</strong>;
    if (part.startsWith("*") && part.length > 2) return <em key={index}>{part.slice(1, -1)}</em>;
    return part;
  });
}
