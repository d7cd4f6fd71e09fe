// What can be done with a thing: the same list under *Tasks* and on the right mouse button.
import { Dropdown, DropdownItem, DropdownList, Menu, MenuContent, MenuItem, MenuList, MenuToggle, Divider } from "@patternfly/react-core";
import { useEffect, useRef, useState } from "react";
import { createPortal } from "react-dom";
import { useTranslation } from "react-i18next";

export interface Task {
  label: string;
  act: () => void;
  /** Why not, if it cannot be done now. */
  not?: string | undefined;
  danger?: boolean;
}

interface TasksProps {
  /** Of what, for those who do not see where the button stands. */
  of: string;
  tasks: Task[];
}

export function Tasks({ of, tasks }: TasksProps) {
  const { t } = useTranslation();
  const [open, setOpen] = useState(false);
  return (
    <Dropdown
      isOpen={open}
      onOpenChange={setOpen}
      onSelect={() => setOpen(false)}
      popperProps={{ position: "right", appendTo: () => document.body }}
      toggle={(ref) => (
        <MenuToggle
          ref={ref}
          onClick={() => setOpen(!open)}
          isExpanded={open}
          aria-label={t("tasks.of", { of })}
        >
          {t("tasks.title")}
        </MenuToggle>
      )}
    >
      <DropdownList>
        {tasks.map((task) => (
          <DropdownItem
            key={task.label}
            isDanger={task.danger}
            isAriaDisabled={task.not !== undefined}
            description={task.not}
            onClick={task.act}
          >
            {task.label}
          </DropdownItem>
        ))}
      </DropdownList>
    </Dropdown>
  );
}

interface ContextProps {
  at: { x: number; y: number };
  /** It extends to the left from there. */
  left?: boolean | undefined;
  of: string;
  tasks: Task[];
  onClose: () => void;
}

/** The menu of the right mouse button, and of a row's own button. */
export function ContextMenu({ at, left, of, tasks, onClose }: ContextProps) {
  const { t } = useTranslation();
  const box = useRef<HTMLDivElement>(null);
  const [place, setPlace] = useState(at);
  useEffect(() => {
    const before = document.activeElement instanceof HTMLElement ? document.activeElement : undefined;
    const size = box.current?.getBoundingClientRect();
    if (size) {
      setPlace({
        x: Math.max(0, Math.min(left ? at.x - size.width : at.x, window.innerWidth - size.width - 8)),
        y: Math.max(0, Math.min(at.y, window.innerHeight - size.height - 8)),
      });
    }
    box.current?.querySelector<HTMLElement>("[role=menuitem]")?.focus();
    const away = (event: Event) => {
      if (!(event.target instanceof Node && box.current?.contains(event.target))) onClose();
    };
    const key = (event: KeyboardEvent) => event.key === "Escape" && onClose();
    document.addEventListener("pointerdown", away);
    document.addEventListener("keydown", key);
    window.addEventListener("blur", onClose);
    return () => {
      document.removeEventListener("pointerdown", away);
      document.removeEventListener("keydown", key);
      window.removeEventListener("blur", onClose);
      before?.focus({ preventScroll: true });
    };
  }, [at, left, onClose]);
  return createPortal(
    <div className="dc-context" ref={box} style={{ left: place.x, top: place.y }}>
      <Menu onSelect={onClose} aria-label={t("tasks.of", { of })}>
        <div className="dc-context-head dc-name">{of}</div>
        <Divider />
        <MenuContent>
          <MenuList aria-label={t("tasks.of", { of })}>
            {tasks.map((task) => (
              <MenuItem
                key={task.label}
                isDanger={task.danger}
                isAriaDisabled={task.not !== undefined}
                description={task.not}
                onClick={() => task.not === undefined && task.act()}
              >
                {task.label}
              </MenuItem>
            ))}
          </MenuList>
        </MenuContent>
      </Menu>
    </div>,
    document.body,
  );
}
