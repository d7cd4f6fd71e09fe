// The parts of a thing, one shown at a time.
import { Tab, Tabs, TabTitleText } from "@patternfly/react-core";
import type { ReactNode } from "react";

interface Props<N extends string> {
  label: string;
  names: readonly N[];
  word: (name: N) => string;
  open: N;
  onOpen: (name: N) => void;
  /** The part that is open. */
  children: ReactNode;
}

export function Parts<N extends string>({ label, names, word, open, onOpen, children }: Props<N>) {
  return (
    <Tabs activeKey={open} onSelect={(_, key) => onOpen(key as N)} aria-label={label} unmountOnExit mountOnEnter>
      {names.map((it) => (
        <Tab key={it} eventKey={it} title={<TabTitleText>{word(it)}</TabTitleText>}>
          <div className="dc-tab">{it === open && children}</div>
        </Tab>
      ))}
    </Tabs>
  );
}
