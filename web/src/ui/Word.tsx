// The exact status words, with a sign and a colour: the colour is never the only sign.
import "@patternfly/react-styles/css/components/Label/label.css";
import {
  BanIcon, CheckCircleIcon, ExclamationCircleIcon, ExclamationTriangleIcon, InProgressIcon, PendingIcon, PowerOffIcon,
  QuestionCircleIcon, WrenchIcon,
} from "@patternfly/react-icons";
import type { ComponentType } from "react";

interface Look {
  color: "green" | "blue" | "grey" | "red" | "orange" | "purple";
  icon: ComponentType;
}

const WELL: Look = { color: "green", icon: CheckCircleIcon };
const MOVING: Look = { color: "blue", icon: InProgressIcon };
const WAITING: Look = { color: "grey", icon: PendingIcon };
const BAD: Look = { color: "red", icon: ExclamationCircleIcon };
const WARNING: Look = { color: "orange", icon: ExclamationTriangleIcon };
const OFF: Look = { color: "grey", icon: PowerOffIcon };
const WORK: Look = { color: "purple", icon: WrenchIcon };
const OVER: Look = { color: "grey", icon: BanIcon };

const LOOKS: Record<string, Look> = {
  OK: WELL, Ready: WELL, Available: WELL, Done: WELL, Running: MOVING, current: WELL, done: WELL, passed: WELL,
  Distributing: MOVING, "Adding provider": MOVING, "Removing provider": MOVING, Creating: MOVING, Preparing: MOVING,
  Recreating: MOVING, "Entering maintenance": MOVING, "Leaving maintenance": MOVING, Filling: MOVING, Shrinking: MOVING,
  begun: MOVING, running: MOVING, Deleting: MOVING, deleting: MOVING, healthy: MOVING,
  Maintenance: WORK,
  "Failed to distribute": BAD, Failed: BAD, "Failed to create": BAD, "Cannot fill": BAD, Missing: BAD, Crashed: BAD,
  failed: BAD, damaged: BAD, critical: BAD,
  "Not available": WARNING, "Needs update": WARNING, "Hypervisor silent": WARNING, "Awaiting decision": WARNING,
  Stopped: WARNING, "rolled back": WARNING, outdated: WARNING, Paused: WARNING,
  warning: WARNING, expired: WARNING, older: WARNING, newer: WARNING, Recovering: WARNING,
  "Awaiting agent": WAITING, Scheduled: WAITING, queued: WAITING, waiting: WAITING, held: WAITING,
  Off: OFF, Cancelled: OVER, left: OVER,
};
const UNKNOWN: Look = { color: "grey", icon: QuestionCircleIcon };

/** As PatternFly's label, without what makes that one measure itself: lists draw hundreds of them. */
function Sign({ look: { color, icon: Icon }, text }: { look: Look; text: string }) {
  const tone = color === "grey" ? "" : ` pf-m-${color}`;
  return (
    <span className={`pf-v6-c-label pf-m-outline${tone} dc-word`}>
      <span className="pf-v6-c-label__content">
        <span className="pf-v6-c-label__icon"><Icon /></span>
        <span className="pf-v6-c-label__text">{text}</span>
      </span>
    </span>
  );
}

export function Word({ word, text }: { word: string; text?: string }) {
  return <Sign look={LOOKS[word] ?? UNKNOWN} text={text ?? word} />;
}

/** A machine's power: `Running` is well there, and not under way. */
export function PowerWord({ power }: { power: string }) {
  return power === "Running" ? <Sign look={WELL} text={power} /> : <Word word={power} />;
}
