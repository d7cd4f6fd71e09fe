// What a list is made of: shared by those that hold all their rows and those that read what is in sight.
import type { ReactNode } from "react";

export interface Column<T> {
  label: string;
  cell: (row: T) => ReactNode;
  /** What it is sorted by; without it, it is not. */
  by?: (row: T) => string | number;
  /** What the server calls that order, where it is the server that sorts. */
  order?: string;
  className?: string;
  /** Its head is only for those who cannot see that it needs none. */
  quiet?: boolean;
}

export interface Sort {
  index: number;
  down: boolean;
}

export interface Selection {
  names: Set<string>;
  set: (names: Set<string>) => void;
}
