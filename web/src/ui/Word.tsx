// The exact status words, with a sign and a colour: the colour is never the only sign.
import { Label, type LabelProps } from "@patternfly/react-core";
import {
  BanIcon, CheckCircleIcon, ExclamationCircleIcon, ExclamationTriangleIcon, InProgressIcon, PendingIcon, PowerOffIcon,
  QuestionCircleIcon, WrenchIcon,
} from "@patternfly/react-icons";
import type { ComponentType } from "react";

interface Look {
  color: LabelProps["color"];
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
  failed: BAD, damaged: BAD,
  "Not available": WARNING, "Needs update": WARNING, "Hypervisor silent": WARNING, "Awaiting decision": WARNING,
  Stopped: WARNING, "rolled back": WARNING, outdated: WARNING, Paused: WARNING,
  "Awaiting agent": WAITING, Scheduled: WAITING, queued: WAITING, waiting: WAITING, held: WAITING,
  Off: OFF, Cancelled: OVER, left: OVER,
};
const UNKNOWN: Look = { color: "grey", icon: QuestionCircleIcon };

export function Word({ word, text }: { word: string; text?: string }) {
  const { color, icon: Icon } = LOOKS[word] ?? UNKNOWN;
  return (
    <Label color={color} icon={<Icon />} variant="outline" textMaxWidth="none" className="dc-word">
      {text ?? word}
    </Label>
  );
}

/** A machine's power: `Running` is well there, and not under way. */
export function PowerWord({ power }: { power: string }) {
  return power === "Running" ? <Label color="green" icon={<CheckCircleIcon />} variant="outline">{power}</Label> : <Word word={power} />;
}
