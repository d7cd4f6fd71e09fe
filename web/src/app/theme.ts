// Light or dark: as the system has it, until somebody chooses.
import { useEffect, useState } from "react";

export type Theme = "system" | "light" | "dark";
const KEY = "diecast.theme";
const CLASS = "pf-v6-theme-dark";

function stored(): Theme {
  const value = localStorage.getItem(KEY);
  return value === "light" || value === "dark" ? value : "system";
}

const system = () => window.matchMedia("(prefers-color-scheme: dark)");

export function apply(theme: Theme = stored()) {
  document.documentElement.classList.toggle(CLASS, theme === "dark" || (theme === "system" && system().matches));
}

export function useTheme(): [Theme, (theme: Theme) => void] {
  const [theme, setTheme] = useState(stored);
  useEffect(() => {
    apply(theme);
    const query = system();
    const change = () => apply(theme);
    query.addEventListener("change", change);
    return () => query.removeEventListener("change", change);
  }, [theme]);
  const choose = (next: Theme) => {
    if (next === "system") localStorage.removeItem(KEY);
    else localStorage.setItem(KEY, next);
    setTheme(next);
  };
  return [theme, choose];
}
